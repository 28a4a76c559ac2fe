//! Files for Grafana: a data source, and a dashboard for each board of panels.

use serde_json::{Value, json};

use crate::telemetry::panels::{BOARDS, Board, Panel, Unit};

/// The data source's name for dashboards.
const SOURCE: &str = "scartissue";
/// Columns of a panel, of 24.
const WIDTH: usize = 12;
/// Rows of a panel.
const HEIGHT: usize = 8;

/// Every file: its path, below a directory of Grafana's provisioning, and its text.
pub fn files() -> Vec<(String, String)> {
    let dashboards = BOARDS.iter().map(|board| {
        let text = serde_json::to_string_pretty(&dashboard(board)).unwrap_or_default();
        (format!("dashboards/scartissue/{}.json", board.id), text + "\n")
    });
    let provisioning = [
        ("datasources/scartissue.yaml".to_string(), DATA_SOURCE.to_string()),
        ("dashboards/scartissue.yaml".to_string(), PROVIDER.to_string()),
    ];
    provisioning.into_iter().chain(dashboards).collect()
}

/// `SCARTISSUE_URL` and `SCARTISSUE_TOKEN` are Grafana's to fill in, from its environment.
const DATA_SOURCE: &str = "\
# The session that `scartissue play --prometheus` serves. Grafana reads both variables from its environment; a session on
# loopback needs no token.
apiVersion: 1
datasources:
  - name: Scar Tissue
    uid: scartissue
    type: prometheus
    access: proxy
    url: ${SCARTISSUE_URL}
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      prometheusType: Prometheus
      prometheusVersion: 2.42.0
      timeInterval: 15s
      queryTimeout: 120s
      httpHeaderName1: Authorization
    secureJsonData:
      httpHeaderValue1: Bearer ${SCARTISSUE_TOKEN}
";

const PROVIDER: &str = "\
# Dashboards of the panels that a session has; `scartissue grafana` writes them anew.
apiVersion: 1
providers:
  - name: Scar Tissue
    folder: Scar Tissue
    type: file
    allowUiUpdates: false
    options:
      path: /etc/grafana/provisioning/dashboards/scartissue
";

fn dashboard(board: &Board) -> Value {
    let panels = board.panels.iter().enumerate().map(|(place, panel)| drawn(place, panel));
    json!({
        "uid": format!("scartissue-{}", board.id.replace('_', "-")),
        "title": board.title,
        "description": "Each panel is a look, at its price in simulated time: refresh by hand, or serve the session without prices.",
        "tags": ["scartissue"],
        "timezone": "utc",
        "editable": false,
        "graphTooltip": 1,
        "refresh": "",
        "schemaVersion": 39,
        "version": 1,
        "time": { "from": "now-15m", "to": "now" },
        "templating": { "list": [] },
        "annotations": { "list": [] },
        "links": [{
            "title": "Boards", "type": "dashboards", "tags": ["scartissue"], "asDropdown": true, "keepTime": true,
        }],
        "panels": panels.collect::<Vec<_>>(),
    })
}

fn drawn(place: usize, panel: &Panel) -> Value {
    let source = json!({ "type": "prometheus", "uid": SOURCE });
    let targets = panel.queries.iter().enumerate().map(|(number, (legend, query))| {
        json!({
            "refId": char::from(b'A' + (number % 26) as u8).to_string(),
            "datasource": source,
            "editorMode": "code",
            "expr": query,
            "legendFormat": legend.replace('{', "{{").replace('}', "}}"),
            "range": true,
            "instant": false,
        })
    });
    let mut steps = vec![json!({ "color": "green", "value": null })];
    steps.extend(panel.threshold.map(|value| json!({ "color": "red", "value": value })));
    let marked = if panel.threshold.is_some() { "line" } else { "off" };
    json!({
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": source,
        "gridPos": {
            "x": place % (24 / WIDTH) * WIDTH, "y": place / (24 / WIDTH) * HEIGHT, "w": WIDTH, "h": HEIGHT,
        },
        "fieldConfig": {
            "defaults": {
                "unit": unit(panel.unit),
                "min": 0,
                "thresholds": { "mode": "absolute", "steps": steps },
                // A gap is a gap: a line across it would be made up.
                "custom": { "spanNulls": false, "thresholdsStyle": { "mode": marked } },
            },
            "overrides": [],
        },
        "options": {
            "legend": { "showLegend": true, "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"] },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// A unit by Grafana's name.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::PerSecond => "reqps",
        Unit::Share => "percentunit",
        Unit::Percent => "percent",
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Tokens | Unit::Count => "short",
        Unit::TokensPerSecond => "cps",
        Unit::Bytes => "bytes",
        Unit::Celsius => "celsius",
        Unit::Watts => "watt",
        Unit::Megahertz => "rotmhz",
    }
}
