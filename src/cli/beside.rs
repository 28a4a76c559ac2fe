//! Who sits beside whoever plays: the flags that say so when a session is begun, and the seat taken when one is opened.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::assistant::advisor::Scripted;
use crate::assistant::beside::{Absent, Beside, RECORDED, Recording, Seated};
use crate::cli::Failure;
use crate::session::advice::Advisor;
use crate::session::store::OpenSession;

/// The assistant of a session.
#[derive(Args, Clone, Default)]
pub struct Assist {
    /// Who is asked by `advise`; settled for the whole session
    #[arg(long, value_enum, value_name = "WHO")]
    assistant: Option<Who>,
    /// The share of seeds on which the scripted assistant is right, from 0 to 1 [default: 0.6]
    #[arg(long, value_name = "SHARE")]
    right: Option<f64>,
    /// Advice that was recorded: advice.jsonl beside a session that a model advised
    #[arg(long, value_name = "FILE", required_if_eq("assistant", "recorded"))]
    advice: Option<PathBuf>,
    #[cfg(feature = "wire")]
    #[command(flatten)]
    which: crate::cli::llm::Which,
    /// Tokens in and out that a model may use in the whole session
    #[cfg(feature = "wire")]
    #[arg(long, value_name = "N", requires = "model")]
    most_tokens: Option<u64>,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Who {
    /// Comes with the program: right on a share of seeds, fluent on all.
    Scripted,
    /// What was recorded, played back without a network.
    Recorded,
    /// A model behind an API: --provider and --model.
    #[cfg(feature = "wire")]
    Model,
    /// Whoever sits in the assistant's seat: `do --seat assistant`.
    Seat,
}

/// An assistant that may take its seat, before there is a session.
pub struct Ready {
    beside: Beside,
    recorded: Option<(String, Recording)>,
}

impl Assist {
    /// Whom the flags name; none: they name nobody.
    ///
    /// # Errors
    /// They do not fit together, a file cannot be read, or there is no key.
    pub fn ready(&self) -> Result<Option<Ready>, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_string()));
        let who = match (self.assistant, self.right.is_some(), self.advice.is_some()) {
            (Some(Who::Scripted) | None, true, false) => Who::Scripted,
            (_, true, _) => return usage("--right is of the scripted assistant: leave out the other"),
            (Some(Who::Recorded) | None, _, true) => Who::Recorded,
            (_, _, true) => return usage("--advice is played back by `--assistant recorded`"),
            (Some(who), ..) => who,
            (None, ..) if self.names_a_model() => return usage("a model advises by `--assistant model`"),
            (None, ..) => return Ok(None),
        };
        let mut recorded = None;
        let beside = match who {
            Who::Scripted => {
                let usual = Scripted::default();
                let right = self.right.unwrap_or(usual.right);
                if !(0.0..=1.0).contains(&right) {
                    return usage(&format!("{right} is no share: 0 to 1, as in 0.8"));
                }
                Beside::Scripted { right, moves: usual.moves }
            }
            Who::Recorded => {
                let file = self.advice.as_deref().unwrap_or(Path::new(RECORDED));
                recorded = Some(recording(file)?);
                Beside::Recorded
            }
            #[cfg(feature = "wire")]
            Who::Model => {
                let (provider, name, reply_tokens) = self.which.named()?;
                crate::cli::llm::connect(provider, &name, reply_tokens)?;
                Beside::Model { provider, name, reply_tokens, most_tokens: self.most_tokens }
            }
            Who::Seat => Beside::Seat,
        };
        Ok(Some(Ready { beside, recorded }))
    }

    #[cfg(feature = "wire")]
    fn names_a_model(&self) -> bool {
        self.which.is_named()
    }

    #[cfg(not(feature = "wire"))]
    fn names_a_model(&self) -> bool {
        false
    }
}

/// Lets an assistant take its seat in a session that has just been begun.
///
/// # Errors
/// The disk refuses.
pub fn seat(open: &mut OpenSession, ready: Option<Ready>) -> Result<(), Failure> {
    let Some(Ready { beside, recorded }) = ready else { return Ok(()) };
    let folder = open.folder().to_path_buf();
    let failed = |e: std::io::Error| Failure::Surroundings(format!("{}: {e}", folder.display()));
    if let Some((text, recording)) = recorded {
        let case = open.session.view().case;
        if !recording.case().is_empty() && recording.case() != case {
            eprintln!(
                "this advice was recorded of {}, and this is {case}: what it cites is of another incident",
                recording.case()
            );
        }
        crate::scar::files::write_whole(&folder.join(RECORDED), &text).map_err(failed)?;
    }
    beside.write(&folder).map_err(failed)?;
    seated(open);
    Ok(())
}

/// Lets whoever was named when a session was begun take the seat again. Who cannot come says why when asked.
pub fn seated(open: &mut OpenSession) {
    let folder = open.folder().to_path_buf();
    open.advisor = match Beside::read(&folder) {
        Ok(None) => None,
        Ok(Some(beside)) => Some(somebody(&beside, &folder).unwrap_or_else(|why| Box::new(Absent(why.to_string())))),
        Err(why) => Some(Box::new(Absent(why))),
    };
}

fn somebody(beside: &Beside, folder: &Path) -> Result<Box<dyn Advisor>, Failure> {
    Ok(match beside {
        Beside::Scripted { right, moves } => Box::new(Scripted { right: *right, moves: *moves }),
        Beside::Recorded => Box::new(recording(&folder.join(RECORDED))?.1),
        Beside::Seat => Box::new(Seated),
        #[cfg(feature = "wire")]
        Beside::Model { provider, name, reply_tokens, most_tokens } => {
            crate::cli::llm::advisor((*provider, name, *reply_tokens), *most_tokens, folder)?
        }
        #[cfg(not(feature = "wire"))]
        Beside::Model { name, .. } => {
            Box::new(Absent(format!("this program was built without a network, and cannot ask {name}")))
        }
    })
}

fn recording(file: &Path) -> Result<(String, Recording), Failure> {
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(named(&e)))?;
    let recording = Recording::read(&text).map_err(|why| Failure::No(named(&why)))?;
    Ok((text, recording))
}
