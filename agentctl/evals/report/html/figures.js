// Numbers as they are read: what is not known is said to be unknown, never shown as 0.

const number = new Intl.NumberFormat("en-US");

function count(value, noun) {
  return `${number.format(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `12 ms`, `0.83 s`, `12.3 s`, `2 min 05 s`. */
function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 0.1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** `$0.0034`, `$1.27`; null is `?`. */
function dollars(value) {
  if (value === null || value === undefined) return "?";
  if (value === 0) return "$0";
  if (value < 0.0001) return "<$0.0001";
  return value >= 1 ? `$${number.format(value.toFixed(2))}` : `$${value.toFixed(4)}`;
}

function percent(value) {
  return value === undefined || value === null ? "–" : `${(100 * value).toFixed(1)}%`;
}

/** `45.0–69.8%` */
function interval(rate) {
  return rate.low === undefined ? "" : `${(100 * rate.low).toFixed(1)}–${(100 * rate.high).toFixed(1)}%`;
}

/** `1.5`, `2`: a mean of counts. */
function mean(value) {
  return value === null ? "" : number.format(Number.isInteger(value) ? value : Number(value.toFixed(1)));
}

/** The value below which this share of the (sorted) values lies: nearest rank. */
function quantile(sorted, share) {
  return sorted.length ? sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] : null;
}

/** When, in UTC, as far as it is written. */
function moment(at) {
  return at ? at.replace("T", " ").replace(/(:\d\d)(\.\d+)?(Z|\+00:00)$/, "$1 UTC") : "";
}

function average(values) {
  if (!values.length || values.some((value) => value === null || value === undefined)) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
