/**
 * `autopilot-runtime/mesh`: routes of Istio and of the Gateway API, made and edited so that what a
 * proxy would quietly misunderstand is an
 * error with a place.
 */
export { weightsOf, withDestinations, withFault, withWeights } from './edit.ts';
export type { GatewayRouteLike, RouteLike, VirtualServiceLike } from './edit.ts';
export { grpcRoute, httpRoute } from './gateway-api.ts';
export type { GatewayRouteObject, Parent, RouteRule } from './gateway-api.ts';
export { destinationRule, gateway, virtualService } from './istio.ts';
export type {
  Destination,
  DestinationRuleObject,
  GatewayObject,
  Host,
  HttpMatch,
  HttpRoute,
  Identity,
  VirtualServiceObject,
} from './istio.ts';
export { faultField, headerMatch } from './traffic.ts';
export type { Fault, FaultField, StringMatch, TextMatch } from './traffic.ts';
export type { Weights } from './weights.ts';
