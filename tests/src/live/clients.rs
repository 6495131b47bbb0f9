//! Clients of the services that tests look at past billform, made from the same configuration as the kinds' own.

use provisioner::cloud::{Cloud, Home, client, config};

/// Makes a client of a service. A kind that is alone with its service makes its own in its fixture.
pub trait Clients {
    /// API Gateway v2.
    fn api_gateway(&self) -> aws_sdk_apigatewayv2::Client;
    /// Budgets.
    fn budgets(&self) -> aws_sdk_budgets::Client;
    /// Cost Explorer.
    fn cost_explorer(&self) -> aws_sdk_costexplorer::Client;
    /// Cost and Usage Reports.
    fn cost_reports(&self) -> aws_sdk_costandusagereport::Client;
    /// DynamoDB.
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client;
    /// EventBridge.
    fn events(&self) -> aws_sdk_eventbridge::Client;
    /// IAM.
    fn iam(&self) -> aws_sdk_iam::Client;
    /// Lambda.
    fn lambda(&self) -> aws_sdk_lambda::Client;
    /// CloudWatch Logs.
    fn logs(&self) -> aws_sdk_cloudwatchlogs::Client;
    /// S3, addressed by path.
    fn s3(&self) -> aws_sdk_s3::Client;
    /// Secrets Manager.
    fn secrets(&self) -> aws_sdk_secretsmanager::Client;
    /// STS.
    fn sts(&self) -> aws_sdk_sts::Client;
}

impl Clients for Cloud {
    fn api_gateway(&self) -> aws_sdk_apigatewayv2::Client {
        client!(self, aws_sdk_apigatewayv2, Home::Stack)
    }

    fn budgets(&self) -> aws_sdk_budgets::Client {
        client!(self, aws_sdk_budgets, Home::UsEast1)
    }

    fn cost_explorer(&self) -> aws_sdk_costexplorer::Client {
        client!(self, aws_sdk_costexplorer, Home::Payer)
    }

    fn cost_reports(&self) -> aws_sdk_costandusagereport::Client {
        client!(self, aws_sdk_costandusagereport, Home::Payer)
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb, Home::Stack)
    }

    fn events(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge, Home::Stack)
    }

    fn iam(&self) -> aws_sdk_iam::Client {
        client!(self, aws_sdk_iam, Home::Stack)
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        client!(self, aws_sdk_lambda, Home::Stack)
    }

    fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        client!(self, aws_sdk_cloudwatchlogs, Home::Stack)
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(config!(self, aws_sdk_s3, Home::Stack).force_path_style(true).build())
    }

    fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, Home::Stack)
    }

    fn sts(&self) -> aws_sdk_sts::Client {
        client!(self, aws_sdk_sts, Home::Stack)
    }
}
