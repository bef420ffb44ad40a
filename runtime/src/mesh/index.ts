/**
 * `autopilot-runtime/mesh`: builders and field claims for routes of Istio and of the Gateway API.
 * What a proxy would silently misinterpret is an error here, with the place in the route.
 *
 * Functions named after a kind or a field build it for an output. Functions named `with…` claim a
 * part of a route that the resource does not own.
 */
export { weightsOf, withDestinations, withFault, withWeights } from './route-claims.ts';
export type { GatewayRouteLike, RouteLike, VirtualServiceLike } from './route-claims.ts';
export { grpcRoute, httpRoute } from './gateway-api.ts';
export type {
  GatewayParent,
  GatewayRouteObject,
  Parent,
  RouteOptions,
  RouteRule,
  ServiceParent,
} from './gateway-api.ts';
export { destinationRule, gateway, virtualService } from './istio.ts';
export type {
  Destination,
  DestinationRuleObject,
  GatewayObject,
  Host,
  HttpMatch,
  VirtualServiceRoute,
  Identity,
  VirtualServiceObject,
} from './istio.ts';
export { faultField, headerMatch } from './istio-http-fields.ts';
export type {
  HttpFault,
  HttpFaultField,
  StringMatch,
  HeaderValueMatch,
} from './istio-http-fields.ts';
export type { Weights } from './weights.ts';
