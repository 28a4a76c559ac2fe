//! What may be read beside tools: how one plays, the brief, the topology, dashboards, documents of the archive. Each is what
//! a tool answers, and none costs simulated time.

use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Map, Value, json};

use crate::tools::library::{HOW, INSTRUCTIONS};
use crate::tools::{Caller, Desk, Wrong};

const GUIDE: &str = "scartissue://guide";
const CASES: &str = "scartissue://cases";
const RUN: &str = "scartissue://run/";
/// Rows of a list or a document.
const ROWS: u32 = 200;

/// What is there before any run.
pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(GUIDE, "guide").with_title("How one plays").with_mime_type("text/plain"),
        Resource::new(CASES, "cases").with_title("Cases that can be played").with_mime_type("application/json"),
    ]
}

/// What is there of a run, as far as the desk has the tools behind it.
pub(super) fn templates(desk: &Desk) -> Vec<ResourceTemplate> {
    [
        ("brief", "brief", "get_brief", "Page, briefing, hand-over, prices"),
        ("topology", "topology", "get_topology", "The six layers of the stack at this moment"),
        ("dashboards", "dashboards", "search_dashboards", "Dashboards with their panels"),
        (
            "dashboards/{board}",
            "dashboard",
            "get_dashboard_panel_queries",
            "The PromQL behind the panels of a dashboard",
        ),
        (
            "archive/{document}",
            "archive",
            "get_runbook",
            "A document of the archive; the tool search_archive finds them",
        ),
    ]
    .into_iter()
    .filter(|(_, _, tool, _)| desk.has(tool))
    .map(|(path, name, _, says)| {
        ResourceTemplate::new(format!("{RUN}{{run_id}}/{path}"), name)
            .with_description(says)
            .with_mime_type("application/json")
    })
    .collect()
}

/// Reads one.
pub(super) fn read(desk: &Desk, caller: &Caller, uri: &str) -> Result<ReadResourceResult, Wrong> {
    let one = |text: String, mime: &str| {
        ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(mime)])
    };
    if uri == GUIDE {
        return Ok(one(format!("{INSTRUCTIONS}\n\n{HOW}\n"), "text/plain"));
    }
    let told = if uri == CASES {
        desk.call(caller, "list_cases", Map::new())
    } else {
        let path: Vec<&str> = uri.strip_prefix(RUN).unwrap_or_default().split('/').collect();
        let (run_id, tool, more) = match path.as_slice() {
            [run_id, "brief"] => (run_id, "get_brief", json!({})),
            [run_id, "topology"] => (run_id, "get_topology", json!({})),
            [run_id, "dashboards"] => (run_id, "search_dashboards", json!({})),
            [run_id, "dashboards", board] => (run_id, "get_dashboard_panel_queries", json!({ "board": board })),
            [run_id, "archive", document] => (run_id, "get_runbook", json!({ "id": document })),
            _ => return Err(nowhere(desk, uri)),
        };
        let mut arguments = match more {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        arguments.insert("run_id".to_string(), json!(run_id));
        arguments.insert("limit".to_string(), json!(ROWS));
        desk.call(caller, tool, arguments)
    };
    told.map(|value| one(value.to_string(), "application/json"))
}

fn nowhere(desk: &Desk, uri: &str) -> Wrong {
    let shown: String = uri.chars().take(80).collect();
    let known: Vec<String> = templates(desk).into_iter().map(|template| template.uri_template).collect();
    Wrong(format!("there is no resource \"{shown}\"; there are: {GUIDE}, {CASES}, {}", known.join(", ")))
}
