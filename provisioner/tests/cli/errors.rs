//! Errors for programs: `--format json` makes the last line of stderr one JSON document.

use serde_json::{Value, json};

use crate::program::{Program, Ran};

fn error(ran: &Ran) -> Value {
    assert_eq!(ran.stdout, "", "no result");
    let last = ran.stderr.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {ran:#?}"))
}

#[test]
fn a_failure_is_one_document_with_its_code_and_hints() {
    let program = Program::small();
    let ran = program.run(&["state", "show", "iam_role.other", "--format", "json"]);
    assert_eq!(ran.status, 1);
    let expected = json!({ "error": {
        "message": "the state knows no iam_role.other",
        "hints": ["`billform state list` shows what it knows"],
        "code": 1,
    } });
    assert_eq!(error(&ran), expected);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let human = program.run(&["state", "show", "iam_role.other"]);
    assert_eq!(
        human.stderr,
        "error: the state knows no iam_role.other\n  hint: `billform state list` shows what it knows\n"
    );
}

#[test]
fn commands_that_need_a_manifest_or_the_cloud_tell_theirs() {
    let program = Program::new();
    program.write("broken/billform.yaml", "version: 2\n");
    program.write("small/billform.yaml", crate::program::SMALL);
    for arguments in [
        &["plan"][..],
        &["validate"],
        &["output"],
        &["graph", "-f", "broken"],
        &["apply", "-f", "broken", "--auto-approve"],
        &["tenant", "link", "beta", "-f", "small"],
        &["permissions", "-f", "small", "--for", "tenant-link"],
        // No credentials, and nobody there.
        &["plan", "-f", "small"],
        &["invoice", "preview", "-f", "small"],
    ] {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
        let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let ran = program.run_with(&arguments, &nowhere);
        assert_eq!(ran.status, 1, "{arguments:?}: {ran:#?}");
        let error = error(&ran);
        assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert_eq!(error["error"]["code"], 1);
        assert!(error["error"]["hints"].is_array());
        assert!(!ran.stderr.contains('\u{1b}'));
    }
}

#[test]
fn mistakes_of_usage_are_told_the_same_way() {
    let program = Program::small();
    for arguments in
        [&["aply", "--format", "json"][..], &["plan", "--format=json", "--detailed-exitcod"], &["--format", "json"]]
    {
        let ran = program.run(arguments);
        assert_eq!(ran.status, 1, "{ran:#?}");
        let error = error(&ran);
        let said = error.to_string();
        assert!(said.contains("Usage: billform"), "{said}");
        assert!(!error["error"]["message"].as_str().expect("a text").starts_with("error:"), "{said}");
    }
    assert!(program.run(&["aply"]).failed().starts_with("error: "), "people are told as before");
    program.run(&["--help", "--format", "json"]).ok();
}

#[test]
fn validate_lists_problems_on_stdout_and_no_error() {
    let program = Program::new();
    program.write("billform.yaml", "version: 2\n");
    let ran = program.run(&["validate", "--format", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    assert_eq!(ran.json()["valid"], false);
}

#[test]
fn an_endpoint_that_is_no_address_and_a_profile_that_is_not_there_are_named() {
    let program = Program::small();
    for arguments in [&["plan"][..], &["invoice", "preview"]] {
        let ran =
            program.run_with(arguments, &[("AWS_ENDPOINT_URL", "notaurl"), ("AWS_EC2_METADATA_DISABLED", "true")]);
        assert_eq!(ran.status, 1, "{ran:#?}");
        assert!(ran.stderr.contains("`notaurl` is not an address") && ran.stderr.contains("hint:"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("Error {") && !ran.stderr.contains("Some("), "no debug output: {}", ran.stderr);
    }
    let mistyped = [
        ("AWS_PROFILE", "mistyped"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let ran = program.run_with(&["plan"], &mistyped);
    assert_eq!(ran.status, 1, "{ran:#?}");
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("no AWS credentials were found") && !said.contains("Renew"), "{said}");
}
