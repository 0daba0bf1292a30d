// What a dashboard may hold, made of Grafana's own types; what is not named there is an error. ./types are those of
// @grafana/schema with its enumerations as the texts and numbers that stand in JSON (see check.mjs).
import type * as common from './types/common/common.gen';
import type * as raw from './types/raw/dashboard/x/types.gen';
import type * as bargauge from './types/raw/composable/bargauge/panelcfg/x/types.gen';
import type * as heatmap from './types/raw/composable/heatmap/panelcfg/x/types.gen';
import type * as stat from './types/raw/composable/stat/panelcfg/x/types.gen';
import type * as table from './types/raw/composable/table/panelcfg/x/types.gen';
import type * as timeseries from './types/raw/composable/timeseries/panelcfg/x/types.gen';
import type { QueryVariableSpec } from './types/schema/dashboard/v2/types.spec.gen';
// The newest versions have left the query of Prometheus to a package of its own, which is large.
import type { PrometheusDataQuery } from './prometheus';

type Prefixed<Custom> = {
  [Key in keyof Custom & string]-?: { id: `custom.${Key}`; value: Required<Custom>[Key] };
}[keyof Custom & string];
type Standard = {
  [Key in keyof raw.FieldConfig & string]-?: { id: Key; value: Required<raw.FieldConfig>[Key] };
}[keyof raw.FieldConfig & string];

type Matcher = { id: 'byName'; options: string } | { id: 'byRegexp'; options: string };

// Grafana itself has these in `links?: unknown[]`.
interface DataLink { title: string; url: string; targetBlank?: boolean }

interface FieldConfigSource<Custom> {
  defaults: Omit<raw.FieldConfig, 'custom' | 'links'> & { custom?: Custom; links?: DataLink[] };
  overrides: Array<{ matcher: Matcher; properties: Array<Prefixed<Custom> | Standard> }>;
}

// Of the library @grafana/data, which knows the transformations.
type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | {
      id: 'organize';
      options: {
        indexByName: Record<string, number>;
        excludeByName: Record<string, boolean>;
        renameByName: Record<string, string>;
      };
    };

type Target = PrometheusDataQuery & { interval?: string };

// What a panel does not name is Grafana's default.
type PanelOf<Type extends string, Options, Custom> = Omit<
  raw.Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'transformations'
> & {
  type: Type;
  options: Partial<Options>;
  fieldConfig: FieldConfigSource<Custom>;
  targets: Target[];
  transformations?: Transformation[];
};

interface Panels {
  bargauge: PanelOf<'bargauge', bargauge.Options, Record<never, never>>;
  heatmap: PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>;
  stat: PanelOf<'stat', stat.Options, Record<never, never>>;
  table: PanelOf<'table', table.Options, Partial<common.TableFieldOptions>>;
  timeseries: PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;
}

type Annotation = Omit<raw.AnnotationQuery, 'target'> & {
  // `raw` has the form for Grafana's own source alone.
  target: Target;
  titleFormat: string;
};

type Variable = raw.VariableModel & Partial<Pick<QueryVariableSpec, 'definition'>>;

// `Types`: those of its panels, in their order. In a union, what belongs to another panel would pass.
export type Dashboard<Types extends ReadonlyArray<keyof Panels>> = Omit<
  raw.Dashboard, 'annotations' | 'panels' | 'schemaVersion' | 'templating'
> & {
  schemaVersion: typeof import('./types/version').newest;
  annotations: { list: Annotation[] };
  panels: { [Place in keyof Types]: Panels[Types[Place]] };
  templating: { list: Variable[] };
};
