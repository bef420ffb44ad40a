const NO = new Set(['false', 'no', 'off', '0']);

/**
 * Whether a switch is set to an explicit no: `false`, `no`, `off` or `0`, in any case. A stop
 * switch with any other value stops: who writes `True`, `yes`, `1` or nothing means to stop.
 */
export function isExplicitNo(value: unknown): boolean {
  return NO.has(String(value).trim().toLowerCase());
}
