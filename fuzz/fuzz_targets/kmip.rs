#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ezncrypt::fuzzing::kmip::run(bytes));
