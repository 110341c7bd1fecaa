//! Whether transactions follow each other.

/// Whether the next transaction will directly follow the last, judged by those before.
///
/// Right, it saves a trip; wrong, it costs one. So it says yes while on the whole more than two of three have followed: work
/// that is mixed in whichever way takes no more trips than without, but for the few that it takes to learn.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    pub(super) score: u8,
    /// Whether nothing has run since the last transaction.
    just_ended: bool,
}

impl Forecast {
    const ENOUGH: u8 = 6;
    pub(super) const MOST: u8 = 10;
    const MISSED: u8 = 2;

    pub(super) fn another(&self) -> bool {
        self.score >= Forecast::ENOUGH
    }

    pub(super) fn ended(&mut self) {
        self.just_ended = true;
    }

    pub(super) fn begun(&mut self) {
        if std::mem::take(&mut self.just_ended) {
            self.score = (self.score + 1).min(Forecast::MOST);
        }
    }

    /// Something that is no transaction, which may need a trip to set autocommit before.
    pub(super) fn something_else(&mut self, costs_a_trip: bool) {
        if std::mem::take(&mut self.just_ended) && costs_a_trip {
            self.score = self.score.saturating_sub(Forecast::MISSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trips that are lost (above zero) or saved by so many rounds of transactions with something else behind them.
    fn balance(in_a_row: &[usize], rounds: usize) -> i32 {
        let mut forecast = Forecast::default();
        let (mut off, mut trips) = (false, 0);
        for count in in_a_row.iter().cycle().take(rounds) {
            for _ in 0..*count {
                trips -= i32::from(off);
                forecast.begun();
                forecast.ended();
                off = forecast.another();
            }
            trips += i32::from(off);
            off = false;
            forecast.something_else(true);
        }
        trips
    }

    #[test]
    fn the_forecast_costs_next_to_nothing_where_it_is_wrong() {
        for in_a_row in 1..100 {
            assert!(balance(&[in_a_row], 1000) <= 3, "{in_a_row}");
        }
        for (in_a_row, least) in [(5, 2900), (20, 17_900)] {
            assert!(-balance(&[in_a_row], 1000) >= least, "{}", balance(&[in_a_row], 1000));
        }
        // In no order: here the rounds are of any length up to some, by a generator of Lehmer's.
        for longest in 1..10 {
            let mut random = 1_usize;
            let mut length = || {
                random = random * 48_271 % 0x7fff_ffff;
                1 + random % longest
            };
            let rounds: Vec<usize> = (0..1000).map(|_| length()).collect();
            let trips: usize = rounds.iter().map(|count| 3 * count + 1).sum();
            let lost = balance(&rounds, rounds.len());
            assert!(lost * 200 <= i32::try_from(trips).unwrap_or(0), "{lost} of {trips}, {longest}");
        }
    }
}
