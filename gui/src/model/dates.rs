//! Times as people read them. The offset of the local time is given by the caller, so that tests need no clock.

use kith_node::time::civil;
use kith_proto::time::Timestamp;

/// The present and the place on Earth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The time.
    pub time: Timestamp,
    /// Minutes that local time is ahead of UTC.
    pub offset_minutes: i32,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

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
        let ago = self.day(self.time) - day;
        match ago {
            0 => "Today".to_owned(),
            1 => "Yesterday".to_owned(),
            2..=6 => weekday(day).to_owned(),
            _ => {
                let (year, month, date) = civil(u64::try_from(day).unwrap_or(0));
                let name = usize::try_from(month - 1)
                    .ok()
                    .and_then(|month| MONTHS.get(month))
                    .copied()
                    .unwrap_or("");
                let (this_year, ..) = civil(u64::try_from(self.day(self.time)).unwrap_or(0));
                if year == this_year { format!("{date} {name}") } else { format!("{date} {name} {year}") }
            }
        }
    }

    /// A time in the chat list: the clock today, else the day, short.
    pub fn short(&self, time: Timestamp) -> String {
        let day = self.day(time);
        match self.day(self.time) - day {
            0 => self.clock(time),
            1 => "Yesterday".to_owned(),
            2..=6 => weekday(day).chars().take(3).collect(),
            _ => {
                let (_, month, date) = civil(u64::try_from(day).unwrap_or(0));
                let name = usize::try_from(month - 1)
                    .ok()
                    .and_then(|month| MONTHS.get(month))
                    .copied()
                    .unwrap_or("");
                format!("{date} {}", name.chars().take(3).collect::<String>())
            }
        }
    }
}

fn weekday(day: i64) -> &'static str {
    usize::try_from(day.rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or("")
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
