//! The screens before the chats: making or unlocking an account, and the recovery phrase. What was typed, and what follows
//! from it.

use zeroize::Zeroizing;

use crate::action::Request;
use crate::say;

/// How many words of the phrase are asked for before it is believed to be written down.
const PHRASE_CHECK: usize = 7;

/// Characters that a passphrase needs.
pub(super) const MIN_PASSPHRASE_CHARS: usize = 8;

/// Where the person is.
#[derive(Default)]
pub enum Screen {
    /// The node is being asked.
    #[default]
    Starting,
    /// First start.
    Welcome(WelcomeForm),
    /// The recovery phrase, shown once.
    Phrase(PhraseForm),
    /// The folder is locked.
    Unlock(UnlockForm),
    /// Chats.
    Main,
}

/// The first form.
#[derive(Default)]
pub struct WelcomeForm {
    /// The name.
    pub name: String,
    /// Whether an account is to come back by its phrase.
    pub returning: bool,
    /// That phrase.
    pub phrase: Zeroizing<String>,
    /// Whether a passphrase is wanted.
    pub protect: bool,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// The same again.
    pub again: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

/// The recovery phrase and the proof that it was written down.
pub struct PhraseForm {
    /// The words.
    pub words: Vec<Zeroizing<String>>,
    /// Whether one of the words is being asked for.
    pub checking: bool,
    /// The word as typed.
    pub typed: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

/// The unlock form.
#[derive(Default)]
pub struct UnlockForm {
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

impl WelcomeForm {
    /// What the node has to do; nothing, and why, when something is wrong.
    pub(super) fn submit(&mut self) -> Option<Request> {
        if self.protect && self.passphrase != self.again {
            self.error = Some(say!("passphrase-differ"));
            return None;
        }
        if self.protect && self.passphrase.chars().count() < MIN_PASSPHRASE_CHARS {
            self.error = Some(say!("passphrase-short"));
            return None;
        }
        self.error = None;
        let passphrase = self.protect.then(|| self.passphrase.clone());
        let phrase = self.returning.then(|| self.phrase.clone());
        Some(Request::CreateAccount { name: self.name.trim().to_owned(), passphrase, phrase })
    }
}

impl PhraseForm {
    /// A phrase that was just made.
    pub(super) fn new(phrase: &str) -> Self {
        let words = phrase.split(' ').map(|word| Zeroizing::new(word.to_owned())).collect();
        Self { words, checking: false, typed: Zeroizing::default(), error: None }
    }

    /// The next step: asks for a word, then compares it. Returns whether it was the right one.
    pub(super) fn proceed(&mut self) -> bool {
        if !self.checking {
            self.checking = true;
            return false;
        }
        let wanted = self.words.get(PHRASE_CHECK - 1).map(|word| word.as_str());
        let is_right = Some(self.typed.trim().to_lowercase().as_str()) == wanted;
        if !is_right {
            self.error = Some(say!("phrase-wrong-word"));
        }
        is_right
    }

    /// The number of the word that is asked for.
    pub const fn asked_word() -> usize {
        PHRASE_CHECK
    }
}

impl UnlockForm {
    /// What the node has to do.
    pub(super) fn submit(&mut self) -> Request {
        self.error = None;
        Request::Unlock(self.passphrase.clone())
    }
}
