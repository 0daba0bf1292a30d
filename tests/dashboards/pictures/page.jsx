// One dashboard, drawn by Grafana's own components. `window.picture` holds what pictures.py asked of Prometheus.
import {
  ThemeContext, dateTime, getDisplayProcessor, getDisplayValueAlignmentFactors, getFieldDisplayValues,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { createRoot } from 'react-dom/client';
import { framesOf, themes } from './frames.js';
import { Heatmap } from './heatmap.jsx';

const { dashboard, answers, from, to, themeName, width, rows } = window.picture;
const theme = themes[themeName];
const timeRange = { from: dateTime(from * 1000), to: dateTime(to * 1000), raw: { from: 'now-10h', to: 'now' } };
const CELL = 30, GAP = 8;

function displayValues(panel, frames) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text,
    theme, data: frames, timeZone: 'utc',
  });
}

const Stat = ({ panel, frames, width, height }) => (
  <VizRepeater
    width={width} height={height} source={frames} renderCounter={0} autoGrid orientation={panel.options.orientation}
    getValues={() => displayValues(panel, frames)}
    renderValue={({ value, width, height, count }) => (
      <BigValue
        {...panel.options} theme={theme} width={width} height={height} count={count}
        value={{ ...value.display, title: value.display.title }}
      />
    )}
  />
);

const Bars = ({ panel, frames, width, height }) => (
  <VizRepeater
    width={width} height={height} source={frames} renderCounter={0} itemSpacing={8}
    orientation={panel.options.orientation} minVizHeight={panel.options.minVizHeight} maxVizHeight={panel.options.maxVizHeight}
    getValues={() => displayValues(panel, frames)}
    getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
    renderValue={({ value, width, height, alignmentFactors }) => (
      <BarGauge
        {...panel.options} theme={theme} width={width} height={height} value={value.display} field={value.field}
        display={value.view?.getFieldDisplayProcessor(value.colIndex)} valueDisplayMode={panel.options.valueMode}
        alignmentFactors={alignmentFactors}
      />
    )}
  />
);

const Series = ({ panel, frames, width, height }) => (
  <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={panel.options.legend} />
);

const Table = ({ panel, frames, width, height }) => (
  <TableNG
    data={frames[0]} width={width} height={height} sortBy={panel.options.sortBy} cellHeight={panel.options.cellHeight}
    fieldConfig={panel.fieldConfig} enableVirtualization={false} noValue={panel.fieldConfig.defaults.noValue}
  />
);

const KINDS = { bargauge: Bars, heatmap: Heatmap, stat: Stat, table: Table, timeseries: Series };

/** Where there is no data, Grafana shows `noValue`: a number of its kind in a stat, elsewhere a sentence. */
function Empty({ panel, width, height }) {
  const text = panel.fieldConfig.defaults.noValue;
  if (panel.type !== 'stat') return <div style={{ textAlign: 'center', paddingTop: height / 2 - 20 }}>{text}</div>;
  const display = getDisplayProcessor({ field: { type: 'number', config: panel.fieldConfig.defaults }, theme });
  return <BigValue {...panel.options} theme={theme} width={width} height={height} value={display(null)} />;
}

function Panel({ panel, frames }) {
  const column = (width - GAP) / 24;
  const { x, y, w, h } = panel.gridPos;
  const Kind = KINDS[panel.type];
  const [outerWidth, outerHeight] = [w * column - GAP, h * (CELL + GAP) - GAP];
  return (
    <div style={{ position: 'absolute', left: GAP + x * column, top: 48 + y * (CELL + GAP) }}>
      <PanelChrome title={panel.title} description={panel.description} width={outerWidth} height={outerHeight}>
        {(width, height) => (frames.length === 0
          ? <Empty panel={panel} width={width} height={height} />
          : <Kind panel={panel} frames={frames} width={width} height={height} theme={theme} timeRange={timeRange} />)}
      </PanelChrome>
    </div>
  );
}

function Page({ panels }) {
  const day = (moment) => moment.utc().format('ddd HH:mm');
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width, background: theme.colors.background.canvas }}>
        <div style={{ position: 'absolute', left: 12, right: 12, top: 12, display: 'flex', justifyContent: 'space-between' }}>
          <span style={{ fontSize: 18 }}>{dashboard.title}</span>
          <span>{day(timeRange.from)} to {day(timeRange.to)} UTC</span>
        </div>
        {panels.map(({ panel, frames }) => <Panel key={panel.id} panel={panel} frames={frames} />)}
      </div>
    </ThemeContext.Provider>
  );
}

async function draw() {
  document.body.style.cssText = `margin: 0; background: ${theme.colors.background.canvas}; overflow: hidden`;
  const shown = dashboard.panels.filter((panel) => panel.gridPos.y < rows);
  const panels = await Promise.all(shown.map(async (panel) => ({
    panel, frames: await framesOf(panel, answers[panel.id], themeName),
  })));
  await document.fonts.ready;
  createRoot(document.getElementById('page')).render(<Page panels={panels} />);
}

draw().catch((error) => { new Image().src = `/failed/${encodeURIComponent(error.stack)}`; });
