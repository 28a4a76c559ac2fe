//! What a question is about, by its words: which requests, and what is wanted of them. How it was read is said before
//! anything else, so that nobody takes the answer to another question for theirs.

/// Which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that fared worst: "it".
    Worst,
    /// Answered with an error.
    Failed,
    /// Closed by their clients before the answer was complete.
    Closed,
    /// More than three seconds to the first token.
    Slow,
    /// Tries after a first one.
    Retried,
    /// With so many images, or at least so many.
    Images(u32),
    /// All of them.
    All,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// How requests fared.
    Fates,
    /// Errors, exceptions, log lines.
    Errors,
    /// Lines of all levels.
    Logs,
    /// Who sends them.
    Who,
    /// Devices of those accounts.
    Devices,
    /// When it began.
    When,
    /// Unique requests and tries, before and now.
    Volume,
    /// What was changed.
    Changes,
    /// In what they differ from the rest.
    Shared,
    /// By a column of requests.
    By(&'static str),
}

/// A question as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub which: Which,
    /// In order, each once; empty: no word of it is known.
    pub tasks: Vec<Task>,
    /// It asks for those who do not, or have not.
    pub is_negated: bool,
}

/// Words that ask for something. A word that ends in `*` stands for all that begin so.
const ASKS: &[(Task, &str)] = &[
    (Task::Who, "who whom whose account* sender* sends send sent customer* tenant* user* people created made"),
    (Task::Devices, "device*"),
    (Task::When, "when since start* began begin* beginning first onset"),
    (
        Task::Volume,
        "volume traffic load demand busy busier rise rises rose risen rising grow* grew increas* up more many rate unique",
    ),
    (
        Task::Changes,
        "change* changelog deploy* release* rollout* rolled ship* shipped flag* config* build* merge* new recently",
    ),
    (Task::Logs, "log logs line lines warn* summar*"),
    (Task::Errors, "error* exception* fail* 500 500s 5xx 503 502 504 wrong broken stack trace* crash*"),
    (Task::Shared, "common differ* compare* cohort* which share* group* pattern*"),
    (Task::Fates, "happen* going status overview fare* fared health* how what hurt* pain"),
];

/// Words that say which requests.
const WHICH: &[(Which, &str)] = &[
    (Which::Failed, "error* exception* fail* 500 500s 5xx 503 502 504 broken crash*"),
    (Which::Closed, "close closes closed closing 499 abandon* cancel* hang* leave leaves left quit"),
    (Which::Retried, "retry* retries retried again repeat* resend*"),
    (Which::Slow, "slow* latency late later long longer wait* ttft timeout* timed delay*"),
];

/// Columns that may be asked for by a word.
const COLUMNS: &[(&str, &str)] = &[
    ("template", "template* prompt prompts"),
    ("model", "model models"),
    ("pool", "pool pools"),
    ("replica", "replica* pod pods"),
    ("gateway", "gateway*"),
    ("client", "client clients sdk* program*"),
    ("client_version", "version* build* release*"),
    ("tier", "tier* plan plans"),
    ("region", "region*"),
    ("images", "image* picture*"),
    ("parameters", "parameter* logprob* schema*"),
    ("error", "reason*"),
];

fn is_one_of(word: &str, known: &str) -> bool {
    known.split(' ').any(|k| match k.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => word == k,
    })
}

impl Question {
    /// Reads a question.
    pub(super) fn read(text: &str) -> Question {
        let text = text.to_lowercase();
        let is_negated =
            ["n't ", " not ", " never ", "nobody", "no one"].iter().any(|no| format!("{text} ").contains(no));
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let has = |known: &str| words.iter().any(|word| is_one_of(word, known));
        // "Give up" is two words, and `up` alone is something else.
        let gives_up =
            words.windows(2).any(|two| is_one_of(two[0], "give gives gave giving given hang hung") && two[1] == "up");
        let pictures = words.windows(2).find(|two| is_one_of(two[1], "image* picture*"));
        let count = pictures.and_then(|two| two[0].parse().ok());
        let named = WHICH.iter().find(|(_, known)| has(known)).map(|(which, _)| which.clone());
        let mut tasks: Vec<Task> = ASKS.iter().filter(|(_, known)| has(known)).map(|(task, _)| *task).collect();
        if gives_up {
            tasks.retain(|task| {
                *task != Task::Volume || words.iter().any(|w| is_one_of(w, "volume traffic load demand"))
            });
        }
        tasks.extend(COLUMNS.iter().filter(|(_, known)| has(known)).map(|(column, _)| Task::By(column)));
        let which = match count {
            Some(count) => Which::Images(count),
            None if gives_up => Which::Closed,
            None => named.unwrap_or(Which::Worst),
        };
        let has_task = |tasks: &[Task], task: Task| tasks.contains(&task);
        // How many retry, fail or leave is asked of them, not of everything.
        if which != Which::Worst && has_task(&tasks, Task::Volume) && !has("volume traffic load demand unique") {
            tasks.retain(|task| *task != Task::Volume);
            tasks.push(Task::Fates);
        }
        let which = if which == Which::Worst && has_task(&tasks, Task::Volume) { Which::All } else { which };
        // Who changed something stands in the change log.
        if has_task(&tasks, Task::Changes) && has("who whom whose") {
            tasks.retain(|task| *task != Task::Who);
        }
        if has_task(&tasks, Task::Who) {
            tasks.retain(|task| !matches!(task, Task::Shared | Task::Fates));
        }
        if count.is_some() {
            tasks.retain(|task| *task != Task::By("images"));
        }
        // Which requests, and no more: what they share is what is wanted.
        let is_bare = tasks.iter().all(|task| *task == Task::Fates);
        if is_bare && !matches!(which, Which::Worst | Which::Failed) {
            tasks = vec![Task::Shared];
        }
        tasks.sort_unstable();
        tasks.dedup();
        Question { which, tasks, is_negated }
    }

    /// How it was read, in a sentence.
    pub(super) fn words(&self, which: &str) -> String {
        let wanted: Vec<String> = self.tasks.iter().map(|task| task.words()).collect();
        format!("Read as: {} (about {which}).", wanted.join(", "))
    }
}

impl Task {
    fn words(self) -> String {
        match self {
            Task::Fates => "how requests fare".to_string(),
            Task::Errors => "which errors there are".to_string(),
            Task::Logs => "what the logs say".to_string(),
            Task::Who => "who sends them".to_string(),
            Task::Devices => "from which devices".to_string(),
            Task::When => "when it began".to_string(),
            Task::Volume => "how much is asked".to_string(),
            Task::Changes => "what was changed".to_string(),
            Task::Shared => "in what they differ from the rest".to_string(),
            Task::By(column) => format!("by {column}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::rows::REQUESTS;

    #[test]
    fn words_say_what_a_question_is_about() {
        for (text, which, tasks) in [
            ("who sends it?", Which::Worst, &[Task::Who][..]),
            ("What is the error", Which::Failed, &[Task::Fates, Task::Errors]),
            ("which exceptions do accounts get", Which::Failed, &[Task::Errors, Task::Who]),
            ("are requests slow", Which::Slow, &[Task::Shared]),
            ("who gives up?", Which::Closed, &[Task::Who]),
            ("which clients close their requests?", Which::Closed, &[Task::Shared, Task::By("client")]),
            ("who retries most?", Which::Retried, &[Task::Who]),
            ("did request volume rise?", Which::All, &[Task::Volume]),
            ("why did requests go up", Which::All, &[Task::Volume]),
            ("who changed the build?", Which::Worst, &[Task::Changes, Task::By("client_version")]),
            ("when did it start?", Which::Worst, &[Task::When]),
            ("what changed?", Which::Worst, &[Task::Fates, Task::Changes]),
            ("summarise the logs", Which::Worst, &[Task::Logs]),
            ("how many accounts send 22 images?", Which::Images(22), &[Task::Who]),
            ("which devices?", Which::Worst, &[Task::Devices, Task::Shared]),
            ("by template", Which::Worst, &[Task::By("template")]),
            ("?", Which::Worst, &[]),
        ] {
            let read = Question::read(text);
            assert_eq!((read.which, read.tasks.as_slice()), (which, tasks), "{text}");
        }
        assert!(Question::read("who does not send it?").is_negated && !Question::read("who sends it?").is_negated);
        assert!(COLUMNS.iter().all(|(name, _)| REQUESTS.iter().any(|column| column.name == *name)));
    }
}
