// What a benchmark found: rows of a value beside its baseline.

/**
 * `value` and `baseline.value` are in `unit`: s, ms, µs, B (bytes) or /s. `aim`: `{ most | least, of: 'value' | 'ratio' }`.
 */
export function row(bench, what, unit, value, { baseline = null, aim = null } = {}) {
  const ratio = baseline === null ? null : value / baseline.value;
  return {
    bench,
    what,
    unit,
    value,
    baseline,
    ratio,
    aim: aim === null ? null : { ...aim, met: isMet(aim, aim.of === 'ratio' ? ratio : value) },
  };
}

function isMet({ most = Infinity, least = -Infinity }, measured) {
  return measured <= most && measured >= least;
}

export function renderTable(rows) {
  const cells = [['', 'what', 'value', 'baseline', 'ratio', 'aim', '']];
  let last = '';
  for (const { bench, what, unit, value, baseline, ratio, aim } of rows) {
    cells.push([
      bench === last ? '' : bench,
      what,
      quantity(value, unit),
      baseline === null ? '' : `${quantity(baseline.value, unit)}  ${baseline.what}`,
      ratio === null ? '' : `${ratio.toFixed(2)}x`,
      aim === null ? '' : aimText(aim, unit),
      aim === null ? '' : aim.met ? 'met' : 'MISSED',
    ]);
    last = bench;
  }
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const right = new Set([2, 4]);
  return cells
    .map((line) =>
      line
        .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function aimText({ most, least, of }, unit) {
  const [sign, limit] = most === undefined ? ['>=', least] : ['<=', most];
  return `${sign} ${of === 'ratio' ? `${limit}x` : quantity(limit, unit)}`;
}

function quantity(value, unit) {
  if (unit === 'B') return `${(value / 1024 / 1024).toFixed(0)} MiB`;
  if (unit === '/s') return `${Math.round(value).toLocaleString('en-US')}/s`;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
  return `${value.toFixed(digits)} ${unit}`;
}
