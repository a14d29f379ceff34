//! A thousand processes at once.

use super::stage::{Held, Nobody, Root, Stage, User, steps};
use super::support::process::Killed;
use std::collections::HashMap;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

const PROCESSES: usize = 1000;

/// So long no open may take, whatever else the machine does: somebody would have been forgotten. Less
/// than the ten seconds after which the service gives up looking at a caller.
const STARVED: Duration = Duration::from_secs(8);

/// The end of a flood is told within three seconds; this is for a slow machine.
const TOLD: Duration = Duration::from_secs(20);

/// Half of them are of the allowed program, all wait for one moment, and one more reads all the while.
#[test]
fn a_thousand_processes_that_open_files_at_once_are_all_judged_rightly_and_soon() {
    let stage = Stage::allowing("");
    let (reader, other, secret) = (stage.reader(), stage.other(), stage.secret());
    let mut streaming = Held::start(Root.starts(&reader, steps(&["stream"], &secret)));
    let (gate, opener) = std::io::pipe().unwrap();
    let (mut answers, answer) = std::io::pipe().unwrap();
    let mut waiting = Vec::with_capacity(PROCESSES);
    for number in 0..PROCESSES {
        let user: User = if number % 4 < 2 { Nobody } else { Root };
        let program = if number % 2 == 0 { &reader } else { &other };
        let mut command = user.starts(program, steps(&["wait", "timed"], &secret));
        command.stdin(Stdio::from(gate.try_clone().unwrap()));
        command.stdout(Stdio::from(answer.try_clone().unwrap()));
        waiting.push(Killed(command.spawn().unwrap()));
    }
    drop((gate, answer));
    // All run before one of them goes on: the words of the last one tell.
    let mut told =
        read_until(&mut answers, "", |told| told.matches("ready\n").count() == PROCESSES);
    let start = Instant::now();
    drop(opener);
    told = read_until(&mut answers, &told, |told| told.matches('\n').count() == 2 * PROCESSES);
    let took = start.elapsed();

    let mut counts = HashMap::new();
    let mut slowest = 0;
    for line in told.lines().filter(|line| *line != "ready") {
        let words: Vec<&str> = line.split(' ').collect();
        *counts.entry((words[0], words[1])).or_insert(0) += 1;
        slowest = slowest.max(words[2].parse().unwrap());
    }
    let slowest = Duration::from_micros(slowest);
    let streamed = streaming.so_far();
    println!("{PROCESSES} opens in {took:?}, the slowest in {slowest:?}");
    let right = HashMap::from([
        (("allowed", "opened"), PROCESSES / 2),
        (("other", "denied"), PROCESSES / 2),
    ]);
    assert_eq!(counts, right, "wrong decisions");
    assert!(slowest < STARVED, "an open took {slowest:?}");

    assert!(streamed.code.is_none(), "{streamed}");
    let ended = streaming.ends().succeeds();
    println!("meanwhile: {}", ended.stdout.trim());
    let words: Vec<&str> = ended.stdout.lines().last().unwrap().split(' ').collect();
    let longest = Duration::from_micros(words[3].parse().unwrap());
    assert!(longest < STARVED, "a read took {longest:?}");
    assert!(words[0].parse::<u64>().unwrap() > 0);
    let denied = stage.instance.run(["status", "--json"]).json()["counters"]["denied"].as_u64();
    assert_eq!(denied, Some(u64::try_from(PROCESSES / 2).unwrap()));
    let deadline = Instant::now() + TOLD;
    while denials_told(&stage) < denied.unwrap() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(Some(denials_told(&stage)), denied, "denials in the log, and those left out");
}

/// Of how many denials the log tells: by a line, or as left out.
fn denials_told(stage: &Stage) -> u64 {
    let told = |line: serde_json::Value| match line["event"].as_str() {
        Some("denied") => 1 + line["left_out_before"].as_u64().unwrap_or(0),
        Some("lines_left_out") if line["of"] == "denied" => line["left_out"].as_u64().unwrap(),
        _ => 0,
    };
    stage.log().into_iter().map(told).sum()
}

fn read_until(from: &mut impl Read, before: &str, enough: impl Fn(&str) -> bool) -> String {
    let mut told = before.as_bytes().to_vec();
    let mut buffer = vec![0; 65536];
    while !enough(&String::from_utf8_lossy(&told)) {
        let length = from.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "they ended: {}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(told).unwrap()
}
