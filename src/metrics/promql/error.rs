//! Why a query gives nothing, and where in its text.

use std::fmt;

use super::functions;

/// A place in the text of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Characters before it, from the beginning of the text.
    pub characters: usize,
}

impl Place {
    pub(super) fn of(text: &str, offset: usize) -> Place {
        let before = text.char_indices().take_while(|(at, _)| *at < offset);
        Place { offset: offset.min(text.len()), characters: before.count() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}", self.characters + 1)
    }
}

/// Why a query gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromqlError {
    /// It is not PromQL.
    #[error("not PromQL: {message} ({at})")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        at: Place,
    },
    /// It is PromQL that is left out here.
    #[error("{construct} is not supported here ({at})")]
    Unsupported {
        /// What.
        construct: String,
        /// Where.
        at: Place,
    },
    /// No function has this name.
    #[error("no function is called `{name}` ({at}){}", nearest.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
    UnknownFunction {
        /// What was written.
        name: String,
        /// The function whose name is most like it, if one is.
        nearest: Option<String>,
        /// Where.
        at: Place,
    },
    /// Its parts do not fit each other, or the series that it finds do not match as it says.
    #[error("{message} ({at})")]
    Mismatch {
        /// What does not fit, and the way out.
        message: String,
        /// Where.
        at: Place,
    },
    /// It looks at more samples than it may.
    #[error("the query looks at more than {0} samples: ask for a shorter range, a longer step or fewer series")]
    TooMuch(usize),
    /// The moments of a range query make no sense, or are too many.
    #[error("{0}")]
    Steps(String),
}

impl PromqlError {
    /// Where in the text it went wrong, if that has a place.
    pub fn place(&self) -> Option<Place> {
        match self {
            PromqlError::Syntax { at, .. }
            | PromqlError::Unsupported { at, .. }
            | PromqlError::UnknownFunction { at, .. }
            | PromqlError::Mismatch { at, .. } => Some(*at),
            PromqlError::TooMuch(_) | PromqlError::Steps(_) => None,
        }
    }

    pub(super) fn syntax(text: &str, at: usize, message: impl Into<String>) -> PromqlError {
        PromqlError::Syntax { message: message.into(), at: Place::of(text, at) }
    }

    pub(super) fn unsupported(text: &str, at: usize, construct: &str) -> PromqlError {
        PromqlError::Unsupported { construct: construct.to_string(), at: Place::of(text, at) }
    }

    pub(super) fn mismatch(text: &str, at: usize, message: impl Into<String>) -> PromqlError {
        PromqlError::Mismatch { message: message.into(), at: Place::of(text, at) }
    }
}

pub(super) fn unknown_function(text: &str, at: usize, name: &str) -> PromqlError {
    let candidates = functions::names().chain(super::tree::AGGREGATES.iter().map(|(name, _)| *name));
    let nearest = nearest(name, candidates).map(str::to_string);
    PromqlError::UnknownFunction { name: name.to_string(), nearest, at: Place::of(text, at) }
}

/// The name that is most like another, if one is like it at all.
pub(super) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likely = candidates.map(|c| (strsim::jaro_winkler(name, c), c)).filter(|(likeness, _)| 0.7 < *likeness);
    likely.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}
