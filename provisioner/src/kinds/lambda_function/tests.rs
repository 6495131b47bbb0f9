//! Translation and comparison of functions.

use aws_sdk_lambda::error::ErrorMetadata;
use aws_sdk_lambda::operation::create_function::CreateFunctionError;
use aws_sdk_lambda::types::EnvironmentResponse;
use aws_sdk_lambda::types::error::InvalidParameterValueException;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::*;

fn function(code_sha256: Option<&str>) -> Desired {
    Desired {
        name: "costs".to_owned(),
        description: "Answers costs".to_owned(),
        role_arn: "arn:aws:iam::1:role/costs".to_owned(),
        architecture: "arm64".to_owned(),
        memory_mb: 256,
        timeout_s: 20,
        environment: BTreeMap::from([("HANDLER".to_owned(), "costs".to_owned().into())]),
        code_sha256: code_sha256.map(str::to_owned),
        reserved_concurrency: None,
        permissions: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn listed() -> FunctionConfiguration {
    FunctionConfiguration::builder()
        .function_name("costs")
        .description("Answers costs")
        .role("arn:aws:iam::1:role/costs")
        .architectures(Architecture::Arm64)
        .memory_size(256)
        .timeout(20)
        .environment(EnvironmentResponse::builder().variables("HANDLER", "costs").build())
        .code_sha256("AAA=")
        .build()
}

fn changes(desired: &Desired, observed: &Desired) -> Vec<String> {
    let value = |fields: &Desired| serde_json::to_value(fields).expect("serialises");
    let (desired, observed) = (value(desired), value(observed));
    let changes = engine::diff::fields(&LambdaFunctions::META, &desired, &observed, None);
    without_kept_code(&desired, changes).into_iter().map(|change| change.path).collect()
}

#[test]
fn a_listed_function_reads_as_it_was_made() {
    let seen = observed(&listed(), Further::default(), BTreeMap::new());
    assert_eq!(seen, function(Some("AAA=")));
}

#[test]
fn what_lambda_leaves_out_is_its_default() {
    let bare = FunctionConfiguration::builder().function_name("costs").build();
    let seen = observed(&bare, Further::default(), BTreeMap::new());
    assert_eq!((seen.architecture.as_str(), seen.description.as_str()), ("x86_64", ""));
    assert!(seen.environment.is_empty());
}

#[test]
fn code_is_compared_only_where_a_bundle_is_at_hand() {
    let seen = observed(&listed(), Further::default(), BTreeMap::new());
    assert!(changes(&function(None), &seen).is_empty());
    assert!(changes(&function(Some("AAA=")), &seen).is_empty());
    assert_eq!(changes(&function(Some("BBB=")), &seen), ["code_sha256"]);
}

#[test]
fn every_field_counts() {
    let seen = observed(&listed(), Further::default(), BTreeMap::new());
    let mut desired = function(None);
    desired.environment = BTreeMap::from([("TABLE".to_owned(), "ledger".to_owned().into())]);
    desired.timeout_s = 21;
    desired.architecture = "x86_64".to_owned();
    assert_eq!(changes(&desired, &seen), ["architecture", "timeout_s", "environment.TABLE", "environment.HANDLER"]);
}

#[test]
fn only_a_role_too_new_is_waited_for() {
    let error = |message: &str| {
        let meta = ErrorMetadata::builder().code("InvalidParameterValueException").message(message).build();
        let error = InvalidParameterValueException::builder().message(message).meta(meta).build();
        let status = StatusCode::try_from(400).expect("a status");
        let answer = Response::new(status, SdkBody::empty());
        let error = SdkError::service_error(CreateFunctionError::InvalidParameterValueException(error), answer);
        function_error("lambda:CreateFunction", error).class
    };
    assert_eq!(error("The role defined for the function cannot be assumed by Lambda."), ErrorClass::NotYet);
    assert_eq!(error("Value 0 at 'timeout' is too small"), ErrorClass::Refused);
}

#[test]
fn without_a_bundle_what_is_known_of_the_code_stays_known() {
    let value = |hash: Option<&str>| serde_json::to_value(function(hash)).expect("serialises");
    assert_eq!(with_kept_code(value(None), Some(&value(Some("AAA=")))), value(Some("AAA=")));
    assert_eq!(with_kept_code(value(Some("BBB=")), Some(&value(Some("AAA=")))), value(Some("BBB=")));
    assert_eq!(with_kept_code(value(None), Some(&value(None))), value(None));
    assert_eq!(with_kept_code(value(None), None), value(None));
}
