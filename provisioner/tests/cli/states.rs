//! State files that are another's, damaged, newer or torn; and a stack that is not deployed.

use serde_json::json;

use crate::program::Program;

const STATE: &str = ".billform/state.json";

fn sound(stack: &str) -> serde_json::Value {
    let record = json!({ "address": "iam_role.costs", "id": "small-costs", "fields": { "name": "small-costs" } });
    json!({ "version": 1, "stack": stack, "serial": 3, "records": { "iam_role.costs": record } })
}

#[test]
fn a_stack_that_is_not_deployed_has_no_state_and_no_outputs() {
    let program = Program::small();
    assert_eq!(program.run(&["state", "list"]).ok(), "");
    assert_eq!(program.run(&["state", "list", "--format", "json"]).json(), json!([]));
    assert_eq!(program.run(&["output"]).ok(), "");
    let none = json!({ "api_url": null, "evidence_public_key": null, "functions": {}, "tables": {}, "buckets": {} });
    assert_eq!(program.run(&["output", "--format", "json"]).json(), none);
    let said = program.run(&["output", "api_url"]).failed();
    assert!(said.contains("there is no output `api_url`") && said.contains("apply first"), "{said}");
    assert!(!program.path(".billform").exists(), "looking makes no folder");
}

#[test]
fn a_state_is_listed_shown_and_gives_outputs() {
    let program = Program::small();
    let mut state = sound("small");
    state["records"]["lambda_function.costs"] =
        json!({ "address": "lambda_function.costs", "id": "small-costs", "fields": {} });
    program.write(STATE, state.to_string());
    assert_eq!(program.run(&["state", "list"]).ok(), "iam_role.costs\nlambda_function.costs\n");
    let shown = program.run(&["state", "show", "iam_role.costs"]).json();
    assert_eq!(shown["fields"]["name"], "small-costs");
    let said = program.run(&["state", "show", "iam_role.other"]).failed();
    assert!(said.contains("the state knows no iam_role.other") && said.contains("state list"), "{said}");
    assert_eq!(program.run(&["output"]).ok(), "functions.costs  small-costs\n");
    assert_eq!(program.run(&["output", "functions.costs"]).ok(), "small-costs\n");
    let said = program.run(&["output", "functions.cost"]).failed();
    assert!(said.contains("there are functions.costs"), "{said}");
}

#[test]
fn states_that_cannot_be_used_say_why_and_what_to_do() {
    let program = Program::small();
    for (text, why, remedy) in [
        (sound("other").to_string(), "is of stack `other`", "`state`"),
        ("{\"version\":1,".to_owned(), "is damaged", "Put a backup back"),
        ("".to_owned(), "is damaged", "Put a backup back"),
        ("[]".to_owned(), "is damaged", "Put a backup back"),
        (json!({ "version": 99 }).to_string(), "has version 99", "use a newer billform"),
    ] {
        program.write(STATE, &text);
        for command in [&["state", "list"][..], &["output"]] {
            let said = unwrapped(&program.run(command).failed());
            assert!(said.contains(why) && said.contains(remedy), "{text}: {said}");
            assert!(said.contains(STATE), "the file is named: {said}");
        }
        assert_eq!(program.read(STATE), text, "it is left as it is");
    }
}

#[test]
fn a_journal_counts_up_to_its_torn_end_and_damage_before_it_is_told() {
    let program = Program::small();
    program.write(STATE, sound("small").to_string());
    let exists = json!({ "exists": { "address": "log_group.costs", "id": "g", "fields": {} } });
    let removed = json!({ "removed": "iam_role.costs" });
    let torn = "{\"exists\":{\"addr";
    program.write(".billform/state.json.journal", format!("{exists}\n{removed}\n{torn}"));
    assert_eq!(program.run(&["state", "list"]).ok(), "log_group.costs\n");

    program.write(".billform/state.json.journal", format!("{exists}\n{torn}\n{removed}\n"));
    let said = unwrapped(&program.run(&["state", "list"]).failed());
    assert!(said.contains("line 2 of the journal") && said.contains("Move the journal away"), "{said}");
}

#[test]
fn a_state_in_s3_needs_what_the_policies_say_and_plan_writes_nothing() {
    let program = Program::small();
    let manifest = program.read("billform.yaml");
    program.write("billform.yaml", format!("{manifest}state: {{ s3: {{ bucket: some-bucket, key: k.json }} }}\n"));
    let actions = |command: &str| -> Vec<String> {
        let policy = program.run(&["permissions", "--for", command]).json();
        let statements = policy["Statement"].as_array().expect("statements").iter();
        let on_state = statements.filter(|statement| statement["Resource"].to_string().contains("some-bucket"));
        let actions = on_state.flat_map(|statement| statement["Action"].as_array().expect("actions").clone());
        let mut actions: Vec<String> = actions.map(|action| action.as_str().expect("a text").to_owned()).collect();
        actions.sort();
        actions
    };
    assert_eq!(actions("plan"), ["s3:GetObject", "s3:ListBucket"]);
    let writing = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"];
    assert_eq!(actions("apply"), writing);
    assert_eq!(actions("destroy"), writing);
    assert!(actions("init").contains(&"s3:CreateBucket".to_owned()));
}

#[test]
fn an_unlock_of_a_file_says_that_there_is_nothing_to_clear() {
    let program = Program::small();
    let said = program.run(&["unlock"]).ok();
    assert!(said.contains("Nobody has the state") && said.contains("never anything to clear"), "{said}");
    assert_eq!(program.run(&["unlock", "--format", "json"]).json()["locked"], json!(false));
}

/// Lines joined again that were broken to fit the columns.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
