//! Codes: a short word that stands for a case, its variant and a seed, so that many machines meet the same world and
//! nobody reads off it which. It holds a check of the scenario and the version that made it.
//!
//! Fifty-five bits (case, variant, seed up to 32767, twelve bits of the scenario's fingerprint, the version) go through
//! a keyed Feistel network and are written as eleven symbols of Crockford's base 32; a twelfth makes a weighted sum
//! over GF(32) zero, so that one wrong symbol or two that changed places are always found. The key is in the program: a
//! code hides what it stands for from eyes, and not from somebody who has the program and wants to know.
//!
//! The twelve bits are the scenario's and not the whole catalogue's, so that a code outlives changes to other
//! scenarios. Two scenarios of one number are taken for each other once in 4096.

use sha2::{Digest, Sha256};

use crate::scenario::catalogue::Catalogue;
use crate::scenario::opened::{Scenario, ScenarioError};

/// Crockford's base 32: no I, L, O and U.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code, the check included.
const LENGTH: usize = 12;
/// Symbols stand in groups of so many.
const GROUP: usize = 4;
/// Greatest seed that a code can hold.
pub const MOST_SEED: u64 = (1 << SEED_BITS) - 1;
const CASE_BITS: u32 = 14;
const VARIANT_BITS: u32 = 4;
const SEED_BITS: u32 = 15;
const CATALOGUE_BITS: u32 = 12;
const BUILD_BITS: u32 = 10;
/// Cases have numbers from here on.
const FIRST_CASE: u32 = 1000;
/// What the permutation is keyed with.
const KEY: &[u8] = b"scar tissue: a code says nothing to the eye";
/// Rounds of the permutation.
const ROUNDS: u8 = 8;
/// Bits of its left and its right half.
const HALVES: [u32; 2] = [28, 27];

/// What a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The case's number.
    pub case: u32,
    /// The variant's place in the file.
    pub variant: usize,
    /// What picks everything random.
    pub seed: u64,
    /// Bits of the scenario's fingerprint.
    catalogue: u64,
    /// Version of the program, as `major.minor.patch` in 2, 4 and 4 bits.
    build: u64,
}

/// What a code opens.
#[derive(Debug)]
pub struct Opened {
    /// The scenario.
    pub scenario: Scenario,
    /// The name of its variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
}

/// Why a code opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// It is not written as one.
    #[error(
        "\"{0}\" is no code: twelve letters and digits, as in K7F3-9QX2-TC4D, in any case and with or without strokes; U is none of them"
    )]
    Form(String),
    /// A slip of the pen.
    #[error("the code {code} does not check out: a symbol is wrong, or two have changed places{hint}")]
    Slip {
        /// As it was typed.
        code: String,
        /// The nearest code that opens something here, as a clause.
        hint: String,
    },
    /// Made elsewhere.
    #[error(
        "the code {code} was made by build {made} for a catalogue in which case {case} is another than here (this is build {here}): \
        use the program and the --scenarios that made it, or have its host make one with yours"
    )]
    Elsewhere {
        /// As it was typed.
        code: String,
        /// The version that made it.
        made: String,
        /// The case.
        case: u32,
        /// This version.
        here: &'static str,
    },
    /// What cannot be put in a code.
    #[error("{0}")]
    TooMuch(String),
    /// A scenario of the catalogue cannot be read.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

impl Code {
    /// The code of a scenario's variant under a seed.
    ///
    /// # Errors
    /// The scenario has no such variant, or seed or number are beyond what a code can hold.
    pub fn of(scenario: &Scenario, variant: &str, seed: u64) -> Result<Code, CodeError> {
        let place = scenario.file.variants.iter().position(|v| v.name == variant);
        let place = place.filter(|place| *place < 1 << VARIANT_BITS);
        let variant = place.ok_or_else(|| {
            CodeError::TooMuch(format!("the scenario has no variant \"{variant}\", or too many before it"))
        })?;
        if MOST_SEED < seed {
            return Err(CodeError::TooMuch(format!("a code holds seeds up to {MOST_SEED}, and not {seed}")));
        }
        let case = scenario.file.case;
        Ok(Code { case, variant, seed, catalogue: catalogue_of(scenario), build: build_here() })
    }

    /// As it is written and said.
    pub fn text(&self) -> String {
        let mut bits = u64::from(self.case.saturating_sub(FIRST_CASE));
        for (value, width) in [
            (self.variant as u64, VARIANT_BITS),
            (self.seed, SEED_BITS),
            (self.catalogue, CATALOGUE_BITS),
            (self.build, BUILD_BITS),
        ] {
            bits = bits << width | value;
        }
        let hidden = hide(bits);
        let mut symbols: Vec<u8> = (0..LENGTH - 1).rev().map(|place| (hidden >> (5 * place)) as u8 & 31).collect();
        symbols.push(sum(&symbols));
        written(&symbols)
    }

    /// Reads a code; what it stands for need not be here.
    ///
    /// # Errors
    /// It is none, or has a slip of the pen; no nearest one is named.
    pub fn read(text: &str) -> Result<Code, CodeError> {
        let symbols = symbols(text)?;
        read(&symbols).ok_or_else(|| CodeError::Slip { code: written(&symbols), hint: String::new() })
    }

    /// The version that made it.
    pub fn build(&self) -> String {
        format!("{}.{}.{}", self.build >> 8, self.build >> 4 & 15, self.build & 15)
    }
}

/// Opens a code with a catalogue.
///
/// # Errors
/// It is none, has a slip of the pen (then the nearest is named), or was made for another catalogue.
pub fn open(catalogue: &Catalogue, text: &str) -> Result<Opened, CodeError> {
    let symbols = symbols(text)?;
    let mut all = Vec::new();
    for name in catalogue.names() {
        all.push(Scenario::open(catalogue, name)?);
    }
    if let Some(code) = read(&symbols) {
        let elsewhere = CodeError::Elsewhere {
            code: written(&symbols),
            made: code.build(),
            case: code.case,
            here: env!("CARGO_PKG_VERSION"),
        };
        return opened(&all, &code).ok_or(elsewhere);
    }
    let near = near(&symbols).into_iter().find(|near| read(near).is_some_and(|code| opened(&all, &code).is_some()));
    let hint = match near {
        Some(near) => format!("; did you mean {}?", written(&near)),
        None => ", and nothing near it opens anything here: ask the host to read it out again".to_string(),
    };
    Err(CodeError::Slip { code: written(&symbols), hint })
}

fn opened(all: &[Scenario], code: &Code) -> Option<Opened> {
    let fits = |s: &&Scenario| s.file.case == code.case && catalogue_of(s) == code.catalogue;
    let scenario = all.iter().find(fits)?;
    let variant = scenario.file.variants.get(code.variant)?.name.clone();
    Some(Opened { scenario: scenario.clone(), variant, seed: code.seed })
}

/// Codes that differ by one symbol, or by two that changed places.
fn near(symbols: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for one in 0..symbols.len() {
        for other in one + 1..symbols.len() {
            let mut swapped = symbols.to_vec();
            swapped.swap(one, other);
            found.push(swapped);
        }
    }
    for place in 0..symbols.len() {
        found.extend((0..32).map(|symbol| {
            let mut changed = symbols.to_vec();
            changed[place] = symbol;
            changed
        }));
    }
    found
}

/// Twelve symbols as numbers.
fn symbols(text: &str) -> Result<Vec<u8>, CodeError> {
    let form = || CodeError::Form(text.chars().take(40).collect());
    let number = |c: char| {
        let same = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        SYMBOLS.iter().position(|symbol| char::from(*symbol) == same).map(|place| place as u8).ok_or_else(form)
    };
    let symbols: Vec<u8> =
        text.chars().filter(|c| !matches!(c, '-' | ' ' | '\u{2011}')).map(number).collect::<Result<_, _>>()?;
    if symbols.len() == LENGTH { Ok(symbols) } else { Err(form()) }
}

fn written(symbols: &[u8]) -> String {
    let groups = symbols.chunks(GROUP);
    let group = |group: &[u8]| group.iter().map(|s| char::from(SYMBOLS[usize::from(*s)])).collect::<String>();
    groups.map(group).collect::<Vec<_>>().join("-")
}

/// What twelve symbols stand for, if they check out.
fn read(symbols: &[u8]) -> Option<Code> {
    let (check, symbols) = symbols.split_last()?;
    if sum(symbols) != *check {
        return None;
    }
    let mut bits = shown(symbols.iter().fold(0, |bits, symbol| bits << 5 | u64::from(*symbol)));
    let mut take = |width: u32| {
        let value = bits & ((1 << width) - 1);
        bits >>= width;
        value
    };
    let (build, catalogue) = (take(BUILD_BITS), take(CATALOGUE_BITS));
    let (seed, variant) = (take(SEED_BITS), take(VARIANT_BITS) as usize);
    Some(Code { case: take(CASE_BITS) as u32 + FIRST_CASE, variant, seed, catalogue, build })
}

/// The check: with it, the sum of symbols times different powers of a primitive element of GF(32) is zero.
fn sum(symbols: &[u8]) -> u8 {
    // x^5 + x^2 + 1; the last symbol has the power 0.
    let double = |value: u8| if value & 16 == 0 { value << 1 } else { (value << 1 ^ 0b10_0101) & 31 };
    symbols.iter().fold(0, |sum, symbol| double(sum ^ *symbol))
}

/// A round's function: so many bits of a keyed hash.
fn mixed(round: u8, half: u64, bits: u32) -> u64 {
    let digest = Sha256::new().chain_update(KEY).chain_update([round]).chain_update(half.to_le_bytes()).finalize();
    let word = digest.iter().take(8).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    word & ((1 << bits) - 1)
}

/// A Feistel network over halves of 28 and 27 bits, which change in turn.
fn hide(bits: u64) -> u64 {
    let (mut left, mut right) = (bits >> HALVES[1], bits & ((1 << HALVES[1]) - 1));
    for round in 0..ROUNDS {
        match round % 2 {
            0 => left ^= mixed(round, right, HALVES[0]),
            _ => right ^= mixed(round, left, HALVES[1]),
        }
    }
    left << HALVES[1] | right
}

/// The way back.
fn shown(hidden: u64) -> u64 {
    let (mut left, mut right) = (hidden >> HALVES[1], hidden & ((1 << HALVES[1]) - 1));
    for round in (0..ROUNDS).rev() {
        match round % 2 {
            0 => left ^= mixed(round, right, HALVES[0]),
            _ => right ^= mixed(round, left, HALVES[1]),
        }
    }
    left << HALVES[1] | right
}

/// Bits of a scenario's fingerprint.
fn catalogue_of(scenario: &Scenario) -> u64 {
    let digits = scenario.fingerprint();
    u64::from_str_radix(digits.get(..3).unwrap_or_default(), 16).unwrap_or_default()
}

fn build_here() -> u64 {
    let mut parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse::<u64>().unwrap_or_default());
    let mut part = |most: u64| parts.next().unwrap_or_default().min(most);
    part(3) << 8 | part(15) << 4 | part(15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(case: u32, variant: usize, seed: u64) -> Code {
        Code { case, variant, seed, catalogue: 0xabc, build: build_here() }
    }

    #[test]
    fn what_was_put_in_comes_out_however_it_is_typed() {
        for (case, variant, seed) in [(1000, 0, 0), (4127, 3, 7), (9999, 15, MOST_SEED)] {
            let made = code(case, variant, seed);
            let text = made.text();
            assert_eq!(text.len(), LENGTH + 2, "{text}");
            for typed in [text.clone(), text.to_lowercase().replace('-', " "), text.replace('0', "o").replace('1', "l")]
            {
                assert_eq!(Code::read(&typed).expect("a code"), made, "{typed}");
            }
            assert_eq!(made.build(), env!("CARGO_PKG_VERSION"));
        }
        assert!(matches!(Code::read("K7F3"), Err(CodeError::Form(_))));
        assert!(matches!(Code::read("UUUU-UUUU-UUUU"), Err(CodeError::Form(_))));
    }

    #[test]
    fn every_slip_of_one_symbol_and_every_two_that_change_places_are_found() {
        let right = symbols(&code(4127, 2, 77).text()).expect("a code");
        let slips = near(&right).into_iter().filter(|slip| *slip != right);
        assert!(slips.into_iter().all(|slip| read(&slip).is_none()));
    }

    #[test]
    fn neighbours_look_nothing_like_each_other() {
        let mut equal = 0;
        for seed in 0..200 {
            let (one, other) = (code(4127, 0, seed).text(), code(4127, 1, seed).text());
            equal += one.chars().zip(other.chars()).filter(|(a, b)| a == b && *a != '-').count();
        }
        // Of 200 times 12 symbols, one in 32 is the same by chance: 75, give or take 9.
        assert!((40..=115).contains(&equal), "{equal} of 2400 symbols are the same");
    }
}
