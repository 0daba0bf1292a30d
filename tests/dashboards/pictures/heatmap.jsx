// Grafana's libraries have no heatmap: this is a plain one, with the panel's buckets, colours and units.
import { formattedValueToString, getValueFormat } from '@grafana/data';

const LEFT = 60, BOTTOM = 24;
const STEPS = { light: ['#eff3ff', '#bdd7e7', '#6baed6', '#3182bd', '#08519c'], dark: ['#1d2b45', '#1f4e79', '#2f7ebc', '#6baed6', '#deebf7'] };

/** Columns of numbers in each bucket, from the cumulative counts of `le`. */
function buckets(frames) {
  const bounds = frames.map((frame) => [Number(frame.fields[1].labels.le.replace('+Inf', 'Infinity')), frame])
    .sort(([a], [b]) => a - b);
  const counts = bounds.map(([, { fields: [time, value] }]) => new Map(time.values.map((at, i) => [at, value.values[i]])));
  const times = [...new Set(counts.flatMap((each) => [...each.keys()]))].sort((a, b) => a - b);
  return {
    times,
    bounds: bounds.map(([bound]) => bound),
    cells: times.map((at) => counts.map((each, i) => (each.get(at) ?? 0) - (i > 0 ? counts[i - 1].get(at) ?? 0 : 0))),
  };
}

export function Heatmap({ panel, frames, width, height, theme, timeRange }) {
  const { times, bounds, cells } = buckets(frames);
  const { exponent } = panel.options.color;
  const format = getValueFormat(panel.options.yAxis.unit);
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const place = (at) => LEFT + ((at - from) / (to - from)) * (width - LEFT);
  const row = (height - BOTTOM) / bounds.length;
  const most = Math.max(...cells.flat());
  const steps = theme.isDark ? STEPS.dark : STEPS.light;
  const color = (count) => steps[Math.min(steps.length - 1, Math.floor((count / most) ** exponent * steps.length))];
  const cell = Math.max(1, place(times[1]) - place(times[0]) - panel.options.cellGap);
  const hour = 3600_000;
  const text = { fontSize: 12, fill: theme.colors.text.primary };
  return (
    <svg width={width} height={height}>
      {bounds.map((bound, i) => (Number.isFinite(bound) ? (
        <text key={bound} x={LEFT - 6} y={height - BOTTOM - (i + 1) * row + 4} textAnchor="end" {...text}>
          {formattedValueToString(format(bound))}
        </text>
      ) : null))}
      {cells.flatMap((column, at) => column.map((count, i) => (count > panel.options.filterValues.le ? (
        <rect
          key={`${at}/${i}`} x={place(times[at]) - cell} y={height - BOTTOM - (i + 1) * row} width={cell}
          height={row - panel.options.cellGap} fill={color(count)}
        />
      ) : null)))}
      {Array.from({ length: Math.floor((to - from) / (2 * hour)) }, (_, i) => Math.ceil(from / hour) * hour + i * 2 * hour).map((at) => (
        <text key={at} x={place(at)} y={height - 6} textAnchor="middle" {...text}>{new Date(at).toISOString().slice(11, 16)}</text>
      ))}
    </svg>
  );
}
