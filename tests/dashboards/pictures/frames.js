// What Prometheus answered, as a panel's components want it: Grafana's data frames, transformed and with their fields
// configured.
import {
  FieldType, cacheFieldDisplayNames, createTheme, fieldMatchers, getDisplayProcessor, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { set } from 'lodash';
import { lastValueFrom } from 'rxjs';

const { mergeTransformer, organizeFieldsTransformer } = standardTransformers;
standardTransformersRegistry.setInit(() => [mergeTransformer, organizeFieldsTransformer].map((transformation) => ({
  id: transformation.id, name: transformation.name, transformation: async () => transformation,
})));

export const themes = {
  dark: createTheme({ colors: { mode: 'dark' } }),
  light: createTheme({ colors: { mode: 'light' } }),
};

// As Grafana's graphs have it: no number is a gap.
const number = (text) => (Number.isFinite(Number(text)) ? Number(text) : null);

const legend = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');

/** A line for each series, as `format: time_series` has it. */
function seriesFrames(target, result) {
  return result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    const interval = Math.min(...points.slice(1).map(([at], i) => (at - points[i][0]) * 1000));
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: points.map(([at]) => at * 1000), config: { interval } },
        {
          name: 'Value', type: FieldType.number, labels: metric,
          values: points.map(([, text]) => number(text)),
          config: { displayNameFromDS: legend(target.legendFormat, metric) || undefined },
        },
      ],
    });
  });
}

/** A row for each series, a column for each label, as `format: table` has it. */
function tableFrame(target, result, isOneOfSeveral) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map(({ metric }) => metric[name] ?? '') })),
      {
        name: isOneOfSeveral ? `Value #${target.refId}` : 'Value', type: FieldType.number,
        values: result.map(({ value }) => number(value[1])),
      },
    ],
  });
}

const largest = (frames) => Math.max(...frames.flatMap((frame) => frame.fields)
  .filter((field) => field.type === FieldType.number).flatMap((field) => field.values));

/** Defaults and overrides become each field's own configuration. */
function configure(frames, { type, fieldConfig: { defaults, overrides } }, theme) {
  let index = 0;
  const limits = type === 'bargauge' ? { max: largest(frames) } : {};
  for (const frame of frames) {
    for (const field of frame.fields) {
      const config = { ...limits, ...structuredClone(defaults), ...field.config };
      for (const { matcher, properties } of overrides) {
        if (!fieldMatchers.get(matcher.id).get(matcher.options)(field, frame, frames)) continue;
        for (const { id, value } of properties) set(config, id, value);
      }
      field.config = config;
      field.state = { ...field.state, seriesIndex: field.type === FieldType.number ? index++ : 0 };
      field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    }
  }
  cacheFieldDisplayNames(frames);
  return frames;
}

/** The panel's data frames; none where there is no data. */
export async function framesOf(panel, answers, themeName) {
  const frames = panel.targets.flatMap((target) => {
    const result = answers[target.refId] ?? [];
    if (result.length === 0) return [];
    return target.format === 'table' ? [tableFrame(target, result, panel.targets.length > 1)] : seriesFrames(target, result);
  });
  if (frames.length === 0) return [];
  const transformed = panel.transformations
    ? await lastValueFrom(transformDataFrame(panel.transformations, frames)) : frames;
  return configure(transformed, panel, themes[themeName]);
}
