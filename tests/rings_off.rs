//! The first start on a machine where nobody has turned the kernel's rings on yet. The switch is the whole machine's, so
//! this is a program of its own, with one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use support::Instance;

const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";

#[test]
fn the_first_start_that_asks_for_rings_turns_them_on_and_has_them() {
    let instance = Instance::initialised();
    let has_switch = Path::new(SWITCH).exists();
    if has_switch {
        fs::write(SWITCH, "N").unwrap();
    }
    for way in ["device", "io-uring"] {
        instance.run(["start", "--transport", way]).succeeds();
        let status = instance.run(["status", "--json"]).succeeds().json();
        let expected = if way == "io-uring" && has_switch { "io_uring" } else { "device" };
        assert_eq!(status["transport"], expected);
        instance.run(["stop"]).succeeds();
    }
}
