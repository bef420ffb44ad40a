/**
 * `autopilot-runtime/mesh`: routes of Istio and of the Gateway API, made and edited so that what a
 * proxy would quietly misunderstand is an
 * error with a place.
 */
export { weightsOf, withDestinations, withFault, withWeights } from './route-claims.ts';
export type { GatewayRouteLike, RouteLike, VirtualServiceLike } from './route-claims.ts';
export { grpcRoute, httpRoute } from './gateway-api.ts';
export type { GatewayRouteObject, Parent, RouteRule } from './gateway-api.ts';
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
