//! Sentences that go away by themselves.

/// Toasts on screen at once.
const MAX_TOASTS: usize = 3;

/// Seconds that a sentence stays, and one that says what went wrong.
const STAYS: (f32, f32) = (4.0, 8.0);

/// A sentence that goes away by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
    /// Seconds on screen.
    pub age: f32,
}

/// Those that are on screen, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Toasts(Vec<Toast>);

impl Toasts {
    /// Shows a sentence, in place of the oldest when there are many.
    pub fn show(&mut self, text: String, bad: bool) {
        self.0.push(Toast { text, bad, age: 0.0 });
        if self.0.len() > MAX_TOASTS {
            self.0.remove(0);
        }
    }

    /// Lets `secs` pass. Returns whether some are on screen.
    pub fn pass_time(&mut self, secs: f32) -> bool {
        for toast in &mut self.0 {
            toast.age += secs;
        }
        self.0.retain(|toast| toast.age < if toast.bad { STAYS.1 } else { STAYS.0 });
        !self.0.is_empty()
    }

    /// Those on screen.
    pub fn iter(&self) -> std::slice::Iter<'_, Toast> {
        self.0.iter()
    }
}
