//! What can be asked of the fleet and ordered of it, and how it is written.

use crate::scenario::diagnostic::nearest;
use crate::telemetry::fleet::FleetError;

/// How the verbs are written.
pub const HELP: &str = "\
get pods|nodes|endpoints|hpa|deployments|events|configmap [NAME] [-n NAMESPACE] [-o wide|json]
describe pod|node|hpa|cache NAME      one thing, at length
top pods|nodes                        memory, requests, accelerators
rollout history SERVICE               changes of a service
rollout status [SERVICE]              whether what is wanted is there
config SERVICE                        settings in force
ring                                  members of the shared cache tier
router POOL                           its rule and its ready set
nvidia-smi NODE|POD                   accelerators, and what the driver logged
orders: scale POOL N, cordon NODE, uncordon POOL|NODE, drain POD|NODE, delete pod POD,
        rollout restart SERVICE, rollout undo SERVICE|CHANGE, rollout pause
";

/// Kinds of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gateways, replicas, cache members.
    Pods,
    /// Machines.
    Nodes,
    /// Who is sent requests.
    Endpoints,
    /// Autoscalers.
    Hpa,
    /// What is wanted and what is there.
    Deployments,
    /// What control planes noted.
    Events,
    /// Settings by service.
    ConfigMap,
    /// Members of the shared cache tier.
    Cache,
}

/// Names of kinds, long and short.
const KINDS: [(Kind, [&str; 4]); 8] = [
    (Kind::Pods, ["pods", "pod", "po", "pods"]),
    (Kind::Nodes, ["nodes", "node", "no", "nodes"]),
    (Kind::Endpoints, ["endpoints", "endpoint", "ep", "endpointslices"]),
    (Kind::Hpa, ["hpa", "autoscalers", "autoscaler", "horizontalpodautoscalers"]),
    (Kind::Deployments, ["deployments", "deployment", "deploy", "statefulsets"]),
    (Kind::Events, ["events", "event", "ev", "events"]),
    (Kind::ConfigMap, ["configmap", "configmaps", "cm", "config"]),
    (Kind::Cache, ["cache", "kv-cache", "ring", "members"]),
];

impl Kind {
    fn read(word: &str) -> Result<Kind, FleetError> {
        let found = KINDS.iter().find(|(_, names)| names.contains(&word.to_lowercase().as_str()));
        found.map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<String> = KINDS.iter().map(|(_, names)| names[0].to_string()).collect();
            FleetError::unknown("resource", word, &names)
        })
    }
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// A table.
    #[default]
    Plain,
    /// A table with more columns.
    Wide,
    /// The wide table as JSON.
    Json,
}

/// An order: it becomes an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Set a pool's number of replicas.
    Scale {
        /// Pool.
        pool: String,
        /// Replicas wanted.
        replicas: u16,
    },
    /// Take the serving pod of this name, or on the node of this name, out of service.
    Drain(String),
    /// Let nothing new onto a node.
    Cordon(String),
    /// Bring a pool's machines back into service; a pool, or one of the machines.
    Uncordon(String),
    /// Restart a pod.
    DeletePod(String),
    /// Restart a service's pods in turn.
    RolloutRestart(String),
    /// Undo a service's last change, or a change by its id.
    RolloutUndo(String),
    /// Stop rollouts that are under way.
    RolloutPause,
}

/// A question or an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetVerb {
    /// A table.
    Get {
        /// Of what.
        kind: Kind,
        /// Of one only.
        name: Option<String>,
        /// Of one namespace only.
        namespace: Option<String>,
        /// Printed how.
        output: Output,
    },
    /// One thing at length.
    Describe {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Who uses most.
    Top {
        /// Machines, else pods.
        nodes: bool,
    },
    /// Changes of a service.
    RolloutHistory(String),
    /// Whether what is wanted is there; of all services, or of one.
    RolloutStatus(Option<String>),
    /// Settings in force.
    Config(String),
    /// Members of the cache tier.
    Ring,
    /// A pool's routing rule and ready set.
    Router(String),
    /// Accelerators of a node or pod.
    NvidiaSmi(String),
    /// How the verbs are written.
    Help,
    /// Something to do.
    Order(Order),
}

/// First words.
const VERBS: [&str; 15] = [
    "get",
    "describe",
    "top",
    "rollout",
    "config",
    "ring",
    "cache",
    "router",
    "nvidia-smi",
    "help",
    "scale",
    "cordon",
    "uncordon",
    "drain",
    "delete",
];

impl FleetVerb {
    /// Whether a word begins a question or an order to the fleet.
    pub fn begins(word: &str) -> bool {
        VERBS.contains(&word) || word == "kubectl"
    }

    /// Reads words. A leading `kubectl` is taken and ignored.
    ///
    /// # Errors
    /// What is not understood, and how it is written.
    pub fn parse(words: &[&str]) -> Result<FleetVerb, FleetError> {
        let words = match words {
            ["kubectl", rest @ ..] => rest,
            all => all,
        };
        let Options { plain, namespace, output, replicas } = Options::read(words)?;
        let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
        let named = |name: &str| name.to_string();
        Ok(match plain.as_slice() {
            [] | ["help", ..] => FleetVerb::Help,
            ["get", kind] => FleetVerb::Get { kind: Kind::read(kind)?, name: None, namespace, output },
            ["get", kind, name] => {
                FleetVerb::Get { kind: Kind::read(kind)?, name: Some(named(name)), namespace, output }
            }
            ["describe", "cache"] => FleetVerb::Ring,
            ["describe", kind, name] => FleetVerb::Describe { kind: Kind::read(kind)?, name: named(name) },
            ["top", what] => match Kind::read(what)? {
                Kind::Pods => FleetVerb::Top { nodes: false },
                Kind::Nodes => FleetVerb::Top { nodes: true },
                _ => return Err(usage("top pods|nodes")),
            },
            ["rollout", "history", service] => FleetVerb::RolloutHistory(named(last(service))),
            ["rollout", "status"] => FleetVerb::RolloutStatus(None),
            ["rollout", "status", service] => FleetVerb::RolloutStatus(Some(named(last(service)))),
            ["rollout", "restart", service] => FleetVerb::Order(Order::RolloutRestart(named(last(service)))),
            ["rollout", "undo", service] => FleetVerb::Order(Order::RolloutUndo(named(last(service)))),
            ["rollout", "pause", ..] => FleetVerb::Order(Order::RolloutPause),
            ["config", service] => FleetVerb::Config(named(service)),
            ["ring"] | ["cache", "members"] => FleetVerb::Ring,
            ["router", pool] => FleetVerb::Router(named(pool)),
            ["nvidia-smi", target] => FleetVerb::NvidiaSmi(named(last(target))),
            ["scale", rest @ ..] => scale(rest, replicas)?,
            ["cordon", node] => FleetVerb::Order(Order::Cordon(named(last(node)))),
            ["uncordon", name] => FleetVerb::Order(Order::Uncordon(named(last(name)))),
            ["drain", name] | ["drain", "pod" | "node", name] => FleetVerb::Order(Order::Drain(named(last(name)))),
            ["delete", "pod" | "po" | "pods", name] => FleetVerb::Order(Order::DeletePod(named(name))),
            ["rollout", verb, ..] => {
                let verbs = ["history", "status", "restart", "undo", "pause"];
                return Err(wrong("rollout", verb, &verbs));
            }
            [verb, ..] if VERBS.contains(verb) => {
                let line = HELP.lines().find(|l| l.starts_with(verb)).unwrap_or_else(|| order_usage(verb));
                return Err(usage(line.split("  ").next().unwrap_or(line)));
            }
            [verb, ..] => return Err(wrong("verb", verb, &VERBS)),
        })
    }
}

fn order_usage(verb: &str) -> &'static str {
    match verb {
        "scale" => "scale POOL N",
        "drain" => "drain POD|NODE",
        "uncordon" => "uncordon POOL|NODE",
        "cordon" => "cordon NODE",
        "cache" => "cache members",
        _ => "delete pod POD",
    }
}

/// `kind/name` as kubectl takes it: the name.
fn last(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn usage(form: &str) -> FleetError {
    FleetError::new(format!("it is written: {form}"))
}

fn wrong(what: &str, word: &str, valid: &[&str]) -> FleetError {
    FleetError {
        message: format!("no {what} is called \"{word}\"; there are: {}", valid.join(", ")),
        suggestion: nearest(word, valid.iter().copied()).map(str::to_string),
    }
}

fn scale(rest: &[&str], replicas: Option<u16>) -> Result<FleetVerb, FleetError> {
    let form = || usage("scale POOL N, or scale deployment/POOL --replicas=N");
    let rest = match rest {
        ["deployment" | "deploy" | "deployments", rest @ ..] => rest,
        all => all,
    };
    let (pool, replicas) = match (rest, replicas) {
        ([pool], Some(replicas)) => (pool, replicas),
        ([pool, number], None) => (pool, whole(number)?),
        _ => return Err(form()),
    };
    Ok(FleetVerb::Order(Order::Scale { pool: last(pool).to_string(), replicas }))
}

fn whole(text: &str) -> Result<u16, FleetError> {
    text.parse().map_err(|_| FleetError::new(format!("\"{text}\" is not a number of replicas from 0 to 65535")))
}

/// Words and options apart.
#[derive(Default)]
struct Options {
    plain: Vec<String>,
    namespace: Option<String>,
    output: Output,
    replicas: Option<u16>,
}

impl Options {
    fn read(words: &[&str]) -> Result<Options, FleetError> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value)),
                _ => (*word, None),
            };
            let mut value = || {
                value.or_else(|| words.next().copied()).ok_or_else(|| FleetError::new(format!("{name} needs a value")))
            };
            match name {
                "-n" | "--namespace" => options.namespace = Some(value()?.to_string()),
                "-A" | "--all-namespaces" => options.namespace = None,
                "-o" | "--output" => options.output = output(value()?)?,
                "-owide" => options.output = Output::Wide,
                "-ojson" => options.output = Output::Json,
                "--replicas" => options.replicas = Some(whole(value()?)?),
                _ if name.starts_with('-') => {
                    return Err(wrong("option", name, &["-n", "-A", "-o", "--replicas", "--namespace", "--output"]));
                }
                // `get pod/NAME` is `get pod NAME`
                _ if options.plain.len() == 1 && matches!(options.plain[0].as_str(), "get" | "describe" | "delete") => {
                    options.plain.extend(name.splitn(2, '/').map(str::to_string));
                }
                _ => options.plain.push(name.to_string()),
            }
        }
        Ok(options)
    }
}

fn output(word: &str) -> Result<Output, FleetError> {
    match word {
        "wide" => Ok(Output::Wide),
        "json" => Ok(Output::Json),
        _ => Err(wrong("output", word, &["wide", "json"])),
    }
}
