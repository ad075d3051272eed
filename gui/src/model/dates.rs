//! Times as people read them. The offset of the local time is given by the caller, so that tests need no clock.

use kith_node::time::civil;
use kith_proto::time::Timestamp;

use crate::say;

/// The present and the place on Earth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The time.
    pub time: Timestamp,
    /// Minutes that local time is ahead of UTC.
    pub offset_minutes: i32,
}

impl Now {
    /// The local day of a time, counted from 1970-01-01.
    pub fn day(&self, time: Timestamp) -> i64 {
        self.minutes(time).div_euclid(1_440)
    }

    fn minutes(&self, time: Timestamp) -> i64 {
        i64::try_from(time.0 / 60_000).unwrap_or(0) + i64::from(self.offset_minutes)
    }

    /// `14:05`.
    pub fn clock(&self, time: Timestamp) -> String {
        let minutes = self.minutes(time).rem_euclid(1_440);
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// A day as a heading: “Today”, “Yesterday”, a weekday, or a date.
    pub fn day_name(&self, day: i64) -> String {
        match self.day(self.time) - day {
            0 => say!("today"),
            1 => say!("yesterday"),
            2..=6 => weekday(day),
            _ => self.date(day),
        }
    }

    /// A day within a sentence: “today”, “yesterday”, a weekday, or a date.
    pub fn day_within(&self, day: i64) -> String {
        match self.day(self.time) - day {
            0 => say!("today-within"),
            1 => say!("yesterday-within"),
            _ => self.day_name(day),
        }
    }

    fn date(&self, day: i64) -> String {
        let (year, month, date) = civil(u64::try_from(day).unwrap_or(0));
        let (this_year, ..) = civil(u64::try_from(self.day(self.time)).unwrap_or(0));
        let (date, month) = (date.to_string(), month_name(month));
        match year == this_year {
            true => say!("date", day = date, month = month),
            false => say!("date-year", day = date, month = month, year = year.to_string()),
        }
    }

    /// A time in the chat list: the clock today, else the day, short.
    pub fn short(&self, time: Timestamp) -> String {
        let day = self.day(time);
        match self.day(self.time) - day {
            0 => self.clock(time),
            1 => say!("yesterday"),
            2..=6 => weekday_short(day),
            _ => {
                let (_, month, date) = civil(u64::try_from(day).unwrap_or(0));
                say!("date-short", day = date.to_string(), month = month_short(month))
            }
        }
    }
}

/// The name of a day; the first of 1970 was a Thursday.
fn weekday(day: i64) -> String {
    match day.rem_euclid(7) {
        0 => say!("thursday"),
        1 => say!("friday"),
        2 => say!("saturday"),
        3 => say!("sunday"),
        4 => say!("monday"),
        5 => say!("tuesday"),
        _ => say!("wednesday"),
    }
}

fn weekday_short(day: i64) -> String {
    match day.rem_euclid(7) {
        0 => say!("thursday-short"),
        1 => say!("friday-short"),
        2 => say!("saturday-short"),
        3 => say!("sunday-short"),
        4 => say!("monday-short"),
        5 => say!("tuesday-short"),
        _ => say!("wednesday-short"),
    }
}

fn month_name(month: u64) -> String {
    match month {
        1 => say!("january"),
        2 => say!("february"),
        3 => say!("march"),
        4 => say!("april"),
        5 => say!("may"),
        6 => say!("june"),
        7 => say!("july"),
        8 => say!("august"),
        9 => say!("september"),
        10 => say!("october"),
        11 => say!("november"),
        _ => say!("december"),
    }
}

fn month_short(month: u64) -> String {
    match month {
        1 => say!("january-short"),
        2 => say!("february-short"),
        3 => say!("march-short"),
        4 => say!("april-short"),
        5 => say!("may-short"),
        6 => say!("june-short"),
        7 => say!("july-short"),
        8 => say!("august-short"),
        9 => say!("september-short"),
        10 => say!("october-short"),
        11 => say!("november-short"),
        _ => say!("december-short"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn days_are_named_as_people_do() {
        // 2026-11-21 04:18 UTC is a Saturday.
        let now = Now { time: Timestamp(1_795_234_680_000), offset_minutes: 60 };
        let ago = |hours: u64| Timestamp(now.time.0 - hours * HOUR);
        assert_eq!((now.clock(now.time).as_str(), now.short(now.time).as_str()), ("05:18", "05:18"));
        assert_eq!(now.day_name(now.day(ago(5))), "Today");
        assert_eq!(now.day_name(now.day(ago(6))), "Yesterday");
        assert_eq!(now.day_name(now.day(ago(48))), "Thursday");
        assert_eq!((now.short(ago(48)).as_str(), now.short(ago(24 * 30)).as_str()), ("Thu", "22 Oct"));
        assert_eq!(now.day_name(now.day(ago(24 * 30))), "22 October");
        assert_eq!(now.day_name(now.day(ago(24 * 365))), "21 November 2025");
    }
}
