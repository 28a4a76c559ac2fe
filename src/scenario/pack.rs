//! Sealed packs: scenarios in one file that only who has its key can read.
//!
//! A pack is a line that says what it is, a nonce, and the files as JSON under XChaCha20-Poly1305, with the line as what is
//! authenticated beside them. A pack that was changed by a bit does not open.

use std::collections::BTreeMap;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::catalogue::PRESETS;
use super::load::{ReadError, names_in, read_file};

/// The first line.
const HEAD: &[u8] = b"scartissue pack 1\n";
/// Bytes of a nonce.
const NONCE: usize = 24;
/// Hexadecimal digits of a key.
pub const KEY_DIGITS: usize = 64;

/// Why there is no pack, or why it does not open.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing to seal.
    #[error("there is no .ron file in {0}")]
    Empty(String),
    /// The key is none.
    #[error("a key is {KEY_DIGITS} hexadecimal digits, as `scartissue pack key` writes them")]
    Key,
    /// It is no pack.
    #[error("this is no pack of this program")]
    Form,
    /// The key is another, or the pack was changed.
    #[error("the pack does not open: the key is another, or the file was changed")]
    Closed,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A key.
pub struct PackKey(Key);

impl PackKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<PackKey, PackError> {
        Key::try_generate().map(PackKey).map_err(|_| PackError::Random)
    }

    /// Reads what [`PackKey::written`] wrote.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<PackKey, PackError> {
        let text = text.trim();
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.filter(|digits| digits.len() == KEY_DIGITS).ok_or(PackError::Key)?;
        let mut key = [0; KEY_DIGITS / 2];
        key.iter_mut().zip(digits.chunks_exact(2)).for_each(|(byte, pair)| *byte = pair[0] << 4 | pair[1]);
        Ok(PackKey(key.into()))
    }

    /// As hexadecimal digits, for a file or the environment.
    pub fn written(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The scenario files and presets of a directory, by their paths in it.
///
/// # Errors
/// One cannot be read, or there is none.
pub fn files(directory: &Path) -> Result<BTreeMap<String, String>, PackError> {
    let mut files = BTreeMap::new();
    for (below, prefix) in [(directory.to_path_buf(), String::new()), (directory.join(PRESETS), format!("{PRESETS}/"))]
    {
        for name in names_in(&below).into_iter().filter(|name| name.ends_with(".ron")) {
            let source = read_file(&below.join(&name))?;
            files.insert(format!("{prefix}{name}"), source.text().to_string());
        }
    }
    if files.is_empty() { Err(PackError::Empty(directory.display().to_string())) } else { Ok(files) }
}

/// Seals files.
///
/// # Errors
/// The system has no random numbers.
pub fn seal(files: &BTreeMap<String, String>, key: &PackKey) -> Result<Vec<u8>, PackError> {
    let text = serde_json::to_vec(files).map_err(|_| PackError::Form)?;
    let nonce = XNonce::try_generate().map_err(|_| PackError::Random)?;
    let sealed = XChaCha20Poly1305::new(&key.0).encrypt(&nonce, Payload { msg: &text, aad: HEAD });
    let mut pack = HEAD.to_vec();
    pack.extend(nonce);
    pack.extend(sealed.map_err(|_| PackError::Form)?);
    Ok(pack)
}

/// Opens a pack: its files by their paths.
///
/// # Errors
/// It is none, or the key is another.
pub fn open(pack: &[u8], key: &PackKey) -> Result<BTreeMap<String, String>, PackError> {
    let rest = pack.strip_prefix(HEAD).ok_or(PackError::Form)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(PackError::Form)?;
    let nonce = XNonce::from(*nonce);
    let text = XChaCha20Poly1305::new(&key.0).decrypt(&nonce, Payload { msg: sealed, aad: HEAD });
    serde_json::from_slice(&text.map_err(|_| PackError::Closed)?).map_err(|_| PackError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_it_and_only_unchanged() {
        let key = PackKey::new().expect("random numbers");
        let files = BTreeMap::from([("one.ron".to_string(), "(title: \"canary\")".to_string())]);
        let pack = seal(&files, &key).expect("sealed");
        assert_ne!(pack, seal(&files, &key).expect("sealed"), "no nonce is used twice");
        assert!(!pack.windows(6).any(|bytes| bytes == b"canary" || bytes == b"one.ro"));
        assert_eq!(open(&pack, &PackKey::read(&key.written()).expect("read back")).expect("open"), files);
        let other = PackKey::new().expect("random numbers");
        assert!(matches!(open(&pack, &other), Err(PackError::Closed)));
        for place in 0..pack.len() {
            let mut changed = pack.clone();
            changed[place] ^= 1;
            assert!(open(&changed, &key).is_err(), "byte {place}");
            assert!(open(&pack[..place], &key).is_err(), "{place} bytes");
        }
        for wrong in ["", "0", "zz", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert!(PackKey::read(wrong).is_err(), "{wrong}");
        }
    }
}
