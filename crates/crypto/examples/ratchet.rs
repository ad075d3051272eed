//! One end of a Double Ratchet over standard input and output, so that another implementation can be the other end.
//!
//! ```text
//! start  sealed|clear ROOT HEADER NEXT_HEADER THEIR_PUBLIC   the side that writes first
//! answer sealed|clear ROOT HEADER NEXT_HEADER OWN_SECRET     the side that is written to first
//! seal ASSOCIATED PLAIN                                      prints the message
//! open ASSOCIATED MESSAGE                                    prints the plaintext
//! ```
//!
//! Everything but the words is hexadecimal; `-` is nothing. Each command is answered by one line: the result, `ok`, or
//! `error:` and why. `tests/interop/README.md` runs it against an implementation in Python.

#![expect(clippy::disallowed_methods, reason = "a program, unlike the crate, has randomness of its own")]

use std::io;
use std::io::BufRead as _;
use std::io::Write as _;

use data_encoding::HEXLOWER;
use kith_crypto::ratchet::Headers;
use kith_crypto::ratchet::Ratchet;
use kith_crypto::secret::Secret32;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

struct End {
    rng: ChaCha20Rng,
    ratchet: Option<Ratchet>,
}

fn bytes(word: Option<&str>) -> Result<Vec<u8>, String> {
    match word {
        None => Err("a word is missing".to_owned()),
        Some("-") => Ok(Vec::new()),
        Some(word) => HEXLOWER.decode(word.as_bytes()).map_err(|error| error.to_string()),
    }
}

fn key(word: Option<&str>) -> Result<[u8; 32], String> {
    bytes(word)?.try_into().map_err(|_| "a key has 32 bytes".to_owned())
}

impl End {
    fn obey(&mut self, line: &str) -> Result<String, String> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some(command @ ("start" | "answer")) => {
                let headers = match words.next() {
                    Some("sealed") => Headers::Sealed,
                    Some("clear") => Headers::Clear,
                    _ => return Err("say sealed or clear".to_owned()),
                };
                let secrets = [key(words.next())?, key(words.next())?, key(words.next())?].map(Secret32::new);
                let last = key(words.next())?;
                self.ratchet = Some(if command == "start" {
                    Ratchet::start(&mut self.rng, headers, secrets, last)
                        .ok_or("their key is not a valid one")?
                } else {
                    Ratchet::answer(headers, secrets, Secret32::new(last))
                });
                Ok("ok".to_owned())
            }
            Some("seal") => {
                let (associated, plain) = (bytes(words.next())?, bytes(words.next())?);
                let ratchet = self.ratchet.as_mut().ok_or("start or answer first")?;
                let message = ratchet.seal(&mut self.rng, &associated, &plain);
                message.map(|message| HEXLOWER.encode(&message)).map_err(|error| error.to_string())
            }
            Some("open") => {
                let (associated, message) = (bytes(words.next())?, bytes(words.next())?);
                let ratchet = self.ratchet.as_mut().ok_or("start or answer first")?;
                let opened =
                    ratchet.open(&mut self.rng, kith_proto::time::Timestamp(0), &associated, &message);
                let (state, plain) = opened.map_err(|error| error.to_string())?;
                *ratchet = state;
                Ok(if plain.is_empty() { "-".to_owned() } else { HEXLOWER.encode(&plain) })
            }
            _ => Err("say start, answer, seal or open".to_owned()),
        }
    }
}

fn main() -> io::Result<()> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let mut end = End { rng: ChaCha20Rng::from_seed(seed), ratchet: None };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = end.obey(&line?).unwrap_or_else(|error| format!("error: {error}"));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
