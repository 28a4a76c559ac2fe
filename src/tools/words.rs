//! Words of the console in what a session says, as the tools that stand for them.

/// Verbs of the console, and the tools that do the same.
const VERBS: [(&str, &str); 24] = [
    ("act", "take_action"),
    ("ask", "ask_colleague"),
    ("believe", "believe"),
    ("board", "look_at_dashboard"),
    ("changes", "list_changes"),
    ("channel", "get_status"),
    ("commit", "submit_diagnosis"),
    ("contradict", "mark_contradiction"),
    ("end", "end_incident"),
    ("explain", "list_mechanisms"),
    ("explore", "query_prometheus"),
    ("hint", "request_hint"),
    ("link", "pin_evidence"),
    ("logs", "query_loki_logs"),
    ("looks", "get_status"),
    ("mechanisms", "list_mechanisms"),
    ("next", "wait_for_news"),
    ("pin", "pin_evidence"),
    ("postmortem", "write_postmortem"),
    ("read", "get_runbook"),
    ("search", "search_archive"),
    ("sql", "query_sql"),
    ("traces", "search_traces"),
    ("wait", "wait_for_news"),
];

/// What the console's driver says of itself, and what is so for a program.
const PHRASES: [(&str, &str); 1] =
    [("`quit`, and the debrief tells what was true", "the debrief, for whoever runs the server, tells what was true")];

/// A message with tools in the place of the console's words.
pub(super) fn in_tools(text: &str) -> String {
    if !text.contains('`') {
        return text.to_string();
    }
    let text = PHRASES.iter().fold(text.to_string(), |text, (console, tools)| text.replace(console, tools));
    let parts = text.split('`').enumerate().map(|(place, part)| {
        let verb = part.split_whitespace().next().unwrap_or_default();
        let tool = VERBS.iter().find(|(console, _)| place % 2 == 1 && *console == verb);
        tool.map_or(part, |(_, tool)| tool)
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A briefing without what it says of the coach: whoever reads along does so in `play` alone.
pub(super) fn without_coach(text: &str) -> String {
    let sentences: Vec<&str> = text.split_inclusive(". ").collect();
    sentences.into_iter().filter(|sentence| !sentence.contains("`coach")).collect::<String>().trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Tools;

    #[test]
    fn nobody_reads_along_with_a_program() {
        let text = "A small cell. Somebody reads along; `coach off` sends them away. Looks are free.";
        assert_eq!(without_coach(text), "A small cell. Looks are free.");
    }

    #[test]
    fn what_a_console_calls_so_is_told_by_its_tool() {
        for (console, tools) in [
            ("plain", "plain"),
            (
                "there is no E7: `looks` lists what was looked at",
                "there is no E7: `get_status` lists what was looked at",
            ),
            (
                "`pin E7 WHY` first, then `wait` or `next`",
                "`pin_evidence` first, then `wait_for_news` or `wait_for_news`",
            ),
            ("a `bracket that stays open", "a `bracket that stays open"),
            ("begun with `--mode A1`, or `other`", "begun with `--mode A1`, or `other`"),
        ] {
            assert_eq!(in_tools(console), tools);
        }
        let tools = Tools::default();
        for (console, tool) in VERBS {
            assert!(tools.list().iter().any(|t| t.name == tool), "{console}: there is no tool {tool}");
        }
    }
}
