//! The operations of the REST services by method and path, as their API references list them.

use http::Method;

/// The operation that a request to a REST service is; `None` when the table does not know it.
pub(super) fn operation(service: &str, method: &Method, segments: &[String]) -> Option<&'static str> {
    let (table, segments) = match service {
        // Lambda's paths begin with the date of the API version, one per feature.
        "lambda" => (LAMBDA, segments.get(1..)?),
        "apigateway" => (API_GATEWAY, segments),
        "scheduler" => (SCHEDULER, segments),
        _ => return None,
    };
    let fits = |(verb, template, _): &&Route| *verb == method.as_str() && matches(template, segments);
    table.iter().find(fits).map(|(_, _, operation)| *operation)
}

/// Method, template and operation. `{}` is one segment, `*` all that follow.
type Route = (&'static str, &'static str, &'static str);

fn matches(template: &str, segments: &[String]) -> bool {
    let mut rest = segments.iter();
    for part in template.split('/') {
        match (part, rest.next()) {
            ("*", Some(_)) => return true,
            ("{}", Some(_)) => {}
            (part, Some(segment)) if part == segment => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

const LAMBDA: &[Route] = &[
    ("POST", "functions", "CreateFunction"),
    ("GET", "functions", "ListFunctions"),
    ("GET", "functions/{}", "GetFunction"),
    ("DELETE", "functions/{}", "DeleteFunction"),
    ("PUT", "functions/{}/code", "UpdateFunctionCode"),
    ("GET", "functions/{}/configuration", "GetFunctionConfiguration"),
    ("PUT", "functions/{}/configuration", "UpdateFunctionConfiguration"),
    ("POST", "functions/{}/invocations", "Invoke"),
    ("POST", "functions/{}/invoke-async", "InvokeAsync"),
    ("GET", "functions/{}/policy", "GetPolicy"),
    ("POST", "functions/{}/policy", "AddPermission"),
    ("DELETE", "functions/{}/policy/{}", "RemovePermission"),
    ("GET", "functions/{}/concurrency", "GetFunctionConcurrency"),
    ("PUT", "functions/{}/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "functions/{}/concurrency", "DeleteFunctionConcurrency"),
    ("POST", "functions/{}/versions", "PublishVersion"),
    ("GET", "functions/{}/versions", "ListVersionsByFunction"),
    ("POST", "functions/{}/aliases", "CreateAlias"),
    ("GET", "functions/{}/aliases", "ListAliases"),
    ("GET", "functions/{}/aliases/{}", "GetAlias"),
    ("PUT", "functions/{}/aliases/{}", "UpdateAlias"),
    ("DELETE", "functions/{}/aliases/{}", "DeleteAlias"),
    ("GET", "functions/{}/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("PUT", "functions/{}/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("POST", "functions/{}/event-invoke-config", "UpdateFunctionEventInvokeConfig"),
    ("DELETE", "functions/{}/event-invoke-config", "DeleteFunctionEventInvokeConfig"),
    ("GET", "functions/{}/url", "GetFunctionUrlConfig"),
    ("POST", "functions/{}/url", "CreateFunctionUrlConfig"),
    ("PUT", "functions/{}/url", "UpdateFunctionUrlConfig"),
    ("DELETE", "functions/{}/url", "DeleteFunctionUrlConfig"),
    ("GET", "functions/{}/code-signing-config", "GetFunctionCodeSigningConfig"),
    ("GET", "functions/{}/recursion-config", "GetFunctionRecursionConfig"),
    ("PUT", "functions/{}/recursion-config", "PutFunctionRecursionConfig"),
    ("GET", "functions/{}/runtime-management-config", "GetRuntimeManagementConfig"),
    ("PUT", "functions/{}/runtime-management-config", "PutRuntimeManagementConfig"),
    ("POST", "event-source-mappings", "CreateEventSourceMapping"),
    ("GET", "event-source-mappings", "ListEventSourceMappings"),
    ("GET", "event-source-mappings/{}", "GetEventSourceMapping"),
    ("PUT", "event-source-mappings/{}", "UpdateEventSourceMapping"),
    ("DELETE", "event-source-mappings/{}", "DeleteEventSourceMapping"),
    ("GET", "account-settings", "GetAccountSettings"),
    ("GET", "layers", "ListLayers"),
    ("GET", "tags/*", "ListTags"),
    ("POST", "tags/*", "TagResource"),
    ("DELETE", "tags/*", "UntagResource"),
];

const API_GATEWAY: &[Route] = &[
    ("POST", "v2/apis", "CreateApi"),
    ("PUT", "v2/apis", "ImportApi"),
    ("GET", "v2/apis", "GetApis"),
    ("GET", "v2/apis/{}", "GetApi"),
    ("PATCH", "v2/apis/{}", "UpdateApi"),
    ("PUT", "v2/apis/{}", "ReimportApi"),
    ("DELETE", "v2/apis/{}", "DeleteApi"),
    ("DELETE", "v2/apis/{}/cors", "DeleteCorsConfiguration"),
    ("POST", "v2/apis/{}/routes", "CreateRoute"),
    ("GET", "v2/apis/{}/routes", "GetRoutes"),
    ("GET", "v2/apis/{}/routes/{}", "GetRoute"),
    ("PATCH", "v2/apis/{}/routes/{}", "UpdateRoute"),
    ("DELETE", "v2/apis/{}/routes/{}", "DeleteRoute"),
    ("POST", "v2/apis/{}/integrations", "CreateIntegration"),
    ("GET", "v2/apis/{}/integrations", "GetIntegrations"),
    ("GET", "v2/apis/{}/integrations/{}", "GetIntegration"),
    ("PATCH", "v2/apis/{}/integrations/{}", "UpdateIntegration"),
    ("DELETE", "v2/apis/{}/integrations/{}", "DeleteIntegration"),
    ("POST", "v2/apis/{}/stages", "CreateStage"),
    ("GET", "v2/apis/{}/stages", "GetStages"),
    ("GET", "v2/apis/{}/stages/{}", "GetStage"),
    ("PATCH", "v2/apis/{}/stages/{}", "UpdateStage"),
    ("DELETE", "v2/apis/{}/stages/{}", "DeleteStage"),
    ("DELETE", "v2/apis/{}/stages/{}/accesslogsettings", "DeleteAccessLogSettings"),
    ("DELETE", "v2/apis/{}/stages/{}/routesettings/{}", "DeleteRouteSettings"),
    ("POST", "v2/apis/{}/deployments", "CreateDeployment"),
    ("GET", "v2/apis/{}/deployments", "GetDeployments"),
    ("GET", "v2/apis/{}/deployments/{}", "GetDeployment"),
    ("DELETE", "v2/apis/{}/deployments/{}", "DeleteDeployment"),
    ("POST", "v2/apis/{}/authorizers", "CreateAuthorizer"),
    ("GET", "v2/apis/{}/authorizers", "GetAuthorizers"),
    ("GET", "v2/apis/{}/authorizers/{}", "GetAuthorizer"),
    ("PATCH", "v2/apis/{}/authorizers/{}", "UpdateAuthorizer"),
    ("DELETE", "v2/apis/{}/authorizers/{}", "DeleteAuthorizer"),
    ("POST", "v2/domainnames", "CreateDomainName"),
    ("GET", "v2/domainnames", "GetDomainNames"),
    ("GET", "v2/domainnames/{}", "GetDomainName"),
    ("PATCH", "v2/domainnames/{}", "UpdateDomainName"),
    ("DELETE", "v2/domainnames/{}", "DeleteDomainName"),
    ("POST", "v2/domainnames/{}/apimappings", "CreateApiMapping"),
    ("GET", "v2/domainnames/{}/apimappings", "GetApiMappings"),
    ("GET", "v2/domainnames/{}/apimappings/{}", "GetApiMapping"),
    ("DELETE", "v2/domainnames/{}/apimappings/{}", "DeleteApiMapping"),
    ("POST", "v2/vpclinks", "CreateVpcLink"),
    ("GET", "v2/vpclinks", "GetVpcLinks"),
    ("GET", "v2/tags/*", "GetTags"),
    ("POST", "v2/tags/*", "TagResource"),
    ("DELETE", "v2/tags/*", "UntagResource"),
];

const SCHEDULER: &[Route] = &[
    ("GET", "schedules", "ListSchedules"),
    ("POST", "schedules/{}", "CreateSchedule"),
    ("GET", "schedules/{}", "GetSchedule"),
    ("PUT", "schedules/{}", "UpdateSchedule"),
    ("DELETE", "schedules/{}", "DeleteSchedule"),
    ("GET", "schedule-groups", "ListScheduleGroups"),
    ("POST", "schedule-groups/{}", "CreateScheduleGroup"),
    ("GET", "schedule-groups/{}", "GetScheduleGroup"),
    ("DELETE", "schedule-groups/{}", "DeleteScheduleGroup"),
    ("GET", "tags/*", "ListTagsForResource"),
    ("POST", "tags/*", "TagResource"),
    ("DELETE", "tags/*", "UntagResource"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_finds_itself_first() {
        for (service, table, prefix) in
            [("lambda", LAMBDA, "2015-03-31/"), ("apigateway", API_GATEWAY, ""), ("scheduler", SCHEDULER, "")]
        {
            for (verb, template, name) in table {
                let path = format!("{prefix}{template}").replace("{}", "x").replace('*', "arn:a/b");
                let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
                let method: Method = verb.parse().unwrap();
                assert_eq!(operation(service, &method, &segments), Some(*name), "{verb} {template}");
            }
        }
    }

    #[test]
    fn a_longer_or_shorter_path_is_something_else() {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(operation("apigateway", &Method::GET, &segments("v2/apis/a/routes/r/x")), None);
        assert_eq!(operation("apigateway", &Method::GET, &segments("v2/tags")), None);
        assert_eq!(operation("lambda", &Method::GET, &[]), None);
    }
}
