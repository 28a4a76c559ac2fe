//! Every verb of the console, with its usage: what help shows, completion offers and a slip of the pen is compared with.

/// A verb.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// As it is typed.
    pub name: &'static str,
    /// What follows it.
    pub usage: &'static str,
    /// What it does, in a line.
    pub does: &'static str,
    /// Its group.
    pub group: Group,
}

/// Groups of verbs, in the order of help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Looking, at a price.
    Look,
    /// Acting.
    Act,
    /// Thinking.
    Think,
    /// Talking.
    Talk,
    /// Time.
    Time,
    /// Things that cost nothing.
    Free,
    /// The facilitator's.
    Host,
}

impl Group {
    /// All, in order, with their headings.
    pub const ALL: [(Group, &'static str); 7] = [
        (Group::Look, "Looking (each at a price on the clock)"),
        (Group::Act, "Acting"),
        (Group::Think, "Thinking"),
        (Group::Talk, "Talking"),
        (Group::Time, "Time"),
        (Group::Free, "Free of charge"),
        (Group::Host, "The host's alone"),
    ];
}

const fn verb(group: Group, name: &'static str, usage: &'static str, does: &'static str) -> Verb {
    Verb { name, usage, does, group }
}

/// All of them.
pub const VERBS: &[Verb] = &[
    verb(Group::Look, "board", "[NAME] [30m]", "all panels of a layer; without a name, the list"),
    verb(Group::Look, "explore", "PROMQL [over 30m] [step 15s]", "ask the monitoring system"),
    verb(Group::Look, "sql", "SELECT ...", "ask requests, accounts, logs, spans, changes, alerts, tickets"),
    verb(Group::Look, "logs", "[SERVICE|POD] [since 5m] [grep TEXT|/REGEX/]", "log lines"),
    verb(Group::Look, "traces", "[service=S] [min_ms=N] [error] [since_s=N]", "traces that were kept"),
    verb(Group::Look, "trace", "TRACE|REQUEST", "one trace, as a waterfall"),
    verb(Group::Look, "changes", "[ID|48h]", "the change log, or one change with its diff"),
    verb(Group::Look, "alerts", "", "what fires and fired"),
    verb(Group::Look, "tickets", "", "what was filed"),
    verb(Group::Look, "search", "WORDS", "find documents in the archive"),
    verb(Group::Look, "read", "DOCUMENT", "one document of the archive"),
    verb(Group::Look, "compare", "CONDITION", "rows inside a selection against those outside"),
    verb(Group::Look, "ask", "WHO ABOUT", "have a colleague look"),
    verb(
        Group::Look,
        "ask-look",
        "QUESTION",
        "have the assistant look: top error, who sends it, what they share, with its queries",
    ),
    verb(Group::Look, "verify", "N", "open what the advice cites under N, at that look's price"),
    verb(Group::Look, "get", "pods|nodes|endpoints|hpa|events [NAME]", "what control planes say"),
    verb(Group::Look, "describe", "pod|node|hpa NAME", "one thing in full"),
    verb(Group::Look, "top", "pods|nodes", "who uses what"),
    verb(Group::Look, "rollout", "history|status SERVICE; undo|restart SERVICE, pause", "releases"),
    verb(Group::Look, "config", "SERVICE", "settings in force"),
    verb(Group::Look, "ring", "", "members of the cache tier"),
    verb(Group::Look, "router", "POOL", "what a router believes"),
    verb(Group::Look, "nvidia-smi", "POD", "accelerators of a pod"),
    verb(Group::Act, "actions", "", "everything that can be ordered"),
    verb(Group::Act, "preview", "ACTION", "scope, delay and way back of an action; never its outcome"),
    verb(Group::Act, "arm", "", "allow actions"),
    verb(Group::Act, "safe", "", "forbid them again"),
    verb(Group::Act, "act", "ACTION [confirm TARGET]", "order an action, as in act shed=0.3"),
    verb(Group::Act, "scale", "POOL N", "set a pool's number of replicas"),
    verb(Group::Act, "drain", "POD|NODE", "take it out of service when it has finished"),
    verb(Group::Act, "cordon", "NODE", "let nothing new onto a machine; what runs there stays"),
    verb(Group::Act, "uncordon", "POOL|NODE", "bring machines back into service"),
    verb(Group::Act, "delete", "pod POD", "restart a pod"),
    verb(Group::Think, "believe", "MECHANISM=60 MECHANISM=30 other=10", "points of all hypotheses: 100 in all"),
    verb(Group::Think, "pin", "E7 [WHY]", "keep an observation as evidence"),
    verb(Group::Think, "link", "E7 for|against MECHANISM", "what a pin speaks for"),
    verb(Group::Think, "contradict", "E7 E9 WHY", "two pins that cannot both be true"),
    verb(Group::Think, "test", "WHAT", "what would change your mind"),
    verb(
        Group::Think,
        "commit",
        "MECHANISM 50|70|90 E7 [last]",
        "commit to a cause; in full: M=60 N=40 cause M@COMPONENT ROLE ... link 1>2 cite E7 E9 [last]",
    ),
    verb(Group::Think, "case", "", "the case board"),
    verb(Group::Think, "mechanisms", "[WORDS]", "what a hypothesis can name"),
    verb(Group::Think, "explain", "WORD", "what a mechanism is, in general"),
    verb(Group::Think, "hint", "", "the next hint"),
    verb(
        Group::Think,
        "advise",
        "[sure?|against E7]",
        "what the assistant makes of it; press it, or hold a pin against it",
    ),
    verb(Group::Think, "adopt", "", "take the last advice, on record"),
    verb(Group::Think, "reject", "", "leave it, on record"),
    verb(Group::Talk, "ack", "", "acknowledge the page"),
    verb(Group::Talk, "sev", "1|2|3|4", "how bad it is"),
    verb(Group::Talk, "update", "IMPACT% LEAD SURE% \"DOING\" MINUTES", "tell those who wait; MINUTES to the next one"),
    verb(Group::Talk, "page", "TEAM", "wake another team"),
    verb(Group::Talk, "say", "TEXT", "say something in the channel"),
    verb(Group::Talk, "channel", "", "the channel"),
    verb(Group::Time, "wait", "30s", "let time pass"),
    verb(Group::Time, "next", "", "let time pass until something is there to be seen"),
    verb(Group::Time, "pause", "", "stop a live clock"),
    verb(Group::Time, "resume", "", "let it go on"),
    verb(Group::Time, "speed", "1|2|4|8", "how fast it runs"),
    verb(Group::Time, "bookmark", "[WHY]", "mark this moment"),
    verb(Group::Host, "host", "open PASSPHRASE; then VERB ...", "the facilitator's verbs; `help host` lists them"),
    verb(Group::Host, "inject", "MECHANISM FAULT [for 5m]", "break something, as a scenario file writes it"),
    verb(Group::Free, "status", "", "where you stand"),
    verb(Group::Free, "brief", "", "page, briefing and prices"),
    verb(Group::Free, "map", "", "the six layers at a glance: rate, errors, latency, queue, fill"),
    verb(Group::Free, "looks", "", "what was looked at"),
    verb(Group::Free, "show", "E7", "an answer again"),
    verb(Group::Free, "glance", "[BOARD]", "an open board: live for a minute after its look, then grey with its age"),
    verb(Group::Free, "end", "", "close the incident"),
    verb(Group::Free, "postmortem", "[SECTION TEXT]", "write it up; without a section, the form as it stands"),
    verb(Group::Free, "as", "NAME [COMMAND]", "who speaks at this console from now on, or for one command"),
    verb(Group::Free, "coach", "on|off", "call the coach of a first shift, or send them away"),
    verb(Group::Free, "help", "[VERB]", "this"),
    verb(Group::Free, "quit", "", "leave; everything said is kept"),
];

/// The verb of a name.
pub fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|v| v.name == name)
}

/// Help: of one verb, or of all.
pub fn help(name: Option<&str>) -> Result<String, String> {
    if let Some(name) = name {
        let verb = find(name).ok_or_else(|| unknown(name))?;
        let forms =
            if name == "host" { format!("\n{}", crate::console::host::forms().trim_end()) } else { String::new() };
        return Ok(format!("{} {}\n  {}{forms}", verb.name, verb.usage, verb.does));
    }
    let mut text = String::new();
    for (group, heading) in Group::ALL {
        text.push_str(&format!("{heading}\n"));
        for verb in VERBS.iter().filter(|v| v.group == group) {
            text.push_str(&format!("  {:<42} {}\n", format!("{} {}", verb.name, verb.usage).trim_end(), verb.does));
        }
    }
    Ok(text.trim_end().to_string())
}

/// What to say of a verb that is none.
pub fn unknown(name: &str) -> String {
    let hint = crate::scenario::check::did_you_mean(name, VERBS.iter().map(|v| v.name));
    format!("no verb is called \"{name}\"{hint}; `help` lists them all")
}
