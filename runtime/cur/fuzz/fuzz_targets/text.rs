//! CSV reports of any bytes; gzip and zip are told by their first.
#![no_main]

mod ask;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if !bytes.starts_with(b"PAR1") {
        ask::ask(bytes);
    }
});
