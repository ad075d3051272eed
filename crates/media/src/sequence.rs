//! Numbers that wrap, as RTP has them (RFC 3550 section 5.1), made into numbers that do not.

/// Follows a number of 16 bits.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    newest: Option<u64>,
}

/// Follows a time stamp of 32 bits.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    newest: Option<u64>,
}

impl Sequence {
    /// The place of `number`, taken to be the one nearest to the newest place seen. Later ones become the newest.
    pub fn place(&mut self, number: u16) -> u64 {
        let place = self.peek(number);
        self.newest = Some(self.newest.map_or(place, |newest| newest.max(place)));
        place
    }

    /// As [`Sequence::place`], but nothing is remembered.
    pub fn peek(&self, number: u16) -> u64 {
        match self.newest {
            None => FIRST + u64::from(number),
            // The difference as a number with a sign is the way round that is shorter.
            Some(newest) => near(newest, i64::from(number.wrapping_sub(newest as u16) as i16)),
        }
    }

    /// The newest place that was seen.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }
}

impl Stamps {
    /// The place of `stamp`, as [`Sequence::place`].
    pub fn place(&mut self, stamp: u32) -> u64 {
        let place = match self.newest {
            None => FIRST + u64::from(stamp),
            Some(newest) => near(newest, i64::from(stamp.wrapping_sub(newest as u32) as i32)),
        };
        self.newest = Some(self.newest.map_or(place, |newest| newest.max(place)));
        place
    }
}

fn near(newest: u64, difference: i64) -> u64 {
    newest.saturating_add_signed(difference)
}

/// Where places begin: a multiple of both periods, so far from zero that reordered first packets fit before it.
const FIRST: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_on_over_the_wrap_and_back() {
        let mut sequence = Sequence::default();
        let first = sequence.place(65_534);
        assert_eq!(sequence.place(1), first + 3);
        assert_eq!(sequence.place(65_535), first + 1, "an older one has its own place");
        assert_eq!(sequence.newest(), Some(first + 3), "and the newest stays");
        assert_eq!(sequence.peek(2), first + 4);

        let mut stamps = Stamps::default();
        let first = stamps.place(u32::MAX - 479);
        assert_eq!(stamps.place(480), first + 960);
        assert_eq!(stamps.place(u32::MAX - 479), first);
    }
}
