//! Rounds that alternate between the two sides, so that what else the machine does hits both alike.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{
    database::Server,
    task::{Result, Side, Task},
};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    /// How long one side is measured in one round, about.
    pub slice: Duration,
}

impl Plan {
    /// For what takes long.
    pub fn fewer(self) -> Self {
        Plan { rounds: (self.rounds / 3).max(2), ..self }
    }
}

/// What was measured of one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    pub db: String,
    pub workload: String,
    pub what: String,
    /// Microseconds of one run, the median of all rounds: of Relata, or of its rival in its place.
    pub ours_us: f64,
    pub raw_us: f64,
    /// The median of the ratios of each round: what else went on in a round was about the same for both sides.
    pub ratio: f64,
    /// Half of the rounds were within these.
    pub low: f64,
    pub high: f64,
    /// The ratio of the time that the processor worked for this process in all rounds, which other processes hardly change. Not that
    /// of a server.
    pub cpu: f64,
    /// KiB that the process grew by meanwhile.
    pub memory: Option<(u64, u64)>,
}

/// Measures one side against the other. The answers must be equal.
pub async fn compare(
    server: Server,
    plan: Plan,
    ours: &mut impl Side,
    raw: &mut impl Side,
    task: impl Fn(usize) -> Task,
) -> Result<Measured> {
    let clearing = matches!(task(0), Task::Insert(_)).then(|| server.clearing());
    for side in 0..2 {
        // The second time all is prepared and in memory.
        let (our_answer, their_answer) = (ours.run(task(side)).await?, raw.run(task(side)).await?);
        if our_answer != their_answer {
            return Err(format!("the answers differ: {our_answer:.200?} and {their_answer:.200?}").into());
        }
        if let Some(statement) = clearing {
            ours.clear(statement).await?;
            raw.clear(statement).await?;
        }
    }
    let one = sample(raw, &task, 1, clearing).await?;
    let runs = (plan.slice.as_secs_f64() / one.time.as_secs_f64().max(1e-7)).clamp(1.0, 20_000.0) as usize;
    let (mut our_us, mut their_us) = (Vec::new(), Vec::new());
    let (mut our_cpu, mut their_cpu) = (Vec::new(), Vec::new());
    let mut memory = (0, 0);
    for round in 0..plan.rounds {
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                let sample = sample(ours, &task, runs, clearing).await?;
                our_us.push(sample.time.as_secs_f64() * 1e6 / runs as f64);
                our_cpu.push(sample.cpu as f64);
                memory.0 = memory.0.max(sample.grown);
            } else {
                let sample = sample(raw, &task, runs, clearing).await?;
                their_us.push(sample.time.as_secs_f64() * 1e6 / runs as f64);
                their_cpu.push(sample.cpu as f64);
                memory.1 = memory.1.max(sample.grown);
            }
        }
    }
    // Of all rounds together: the system counts it in steps of milliseconds.
    let cpu = our_cpu.iter().sum::<f64>() / their_cpu.iter().sum::<f64>();
    let mut ratios: Vec<f64> = our_us.iter().zip(&their_us).map(|(ours, theirs)| ours / theirs).collect();
    let quarter = |ratios: &[f64], n: usize| ratios[(ratios.len() * n / 4).min(ratios.len() - 1)];
    let ratio = median(&mut ratios);
    Ok(Measured {
        db: String::new(),
        workload: String::new(),
        what: String::new(),
        ours_us: median(&mut our_us),
        raw_us: median(&mut their_us),
        ratio,
        low: quarter(&ratios, 1),
        high: quarter(&ratios, 3),
        cpu,
        memory: matches!(task(0), Task::Stream).then_some(memory),
    })
}

/// What some runs took.
struct Sample {
    time: Duration,
    /// Nanoseconds of the processor.
    cpu: u64,
    /// KiB that the process grew by.
    grown: u64,
}

async fn sample(
    side: &mut impl Side,
    task: &impl Fn(usize) -> Task,
    runs: usize,
    clearing: Option<&'static str>,
) -> Result<Sample> {
    let tasks: Vec<Task> = (0..runs).map(task).collect();
    let before = process::resident();
    process::forget_peak();
    let worked = process::worked();
    let begin = Instant::now();
    for task in tasks {
        side.run(task).await?;
    }
    let time = begin.elapsed();
    let cpu = process::worked().saturating_sub(worked);
    let grown = process::peak().saturating_sub(before);
    if let Some(statement) = clearing {
        side.clear(statement).await?;
    }
    Ok(Sample { time, cpu, grown })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// What the process uses, where Linux tells (proc(5)); 0 elsewhere.
mod process {
    use std::fs;

    /// For how many nanoseconds its threads have had a processor.
    pub(super) fn worked() -> u64 {
        let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0 };
        let of = |thread: std::io::Result<fs::DirEntry>| {
            let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        threads.filter_map(of).sum()
    }

    fn status(line: &str) -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let value = status.lines().find_map(|text| text.strip_prefix(line));
        value
            .and_then(|text| text.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn resident() -> u64 {
        status("VmRSS")
    }

    pub(super) fn peak() -> u64 {
        status("VmHWM")
    }

    pub(super) fn forget_peak() {
        let _ = fs::write("/proc/self/clear_refs", "5");
    }
}
