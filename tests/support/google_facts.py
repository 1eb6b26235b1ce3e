"""What Google documents of roles and metrics, as far as the configuration uses them.

Read on 2026-11-26. A role or metric that is not here fails the tests: look it up, then add it.
"""

import re
from dataclasses import dataclass
from typing import Literal

# https://cloud.google.com/iam/docs/roles-permissions: of each role the permissions that the
# service needs it for.
ROLES = {
    "roles/artifactregistry.writer": {"artifactregistry.repositories.uploadArtifacts"},
    "roles/logging.logWriter": {"logging.logEntries.create"},
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/pubsub.subscriber": {"pubsub.subscriptions.consume"},
    "roles/run.invoker": {"run.routes.invoke"},
    "roles/storage.objectUser": {
        "storage.objects.create",
        "storage.objects.delete",
        "storage.objects.get",
        "storage.objects.list",
        "storage.objects.update",
    },
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
}


# What else the accounts of the builds are granted (docs/deploy.md), to be looked up on the same
# page; each with a permission of it that plan or apply needs.
BUILD_ROLES = {
    "roles/artifactregistry.admin": "artifactregistry.repositories.create",
    "roles/artifactregistry.reader": "artifactregistry.repositories.get",
    "roles/browser": "resourcemanager.projects.get",
    "roles/cloudfunctions.admin": "cloudfunctions.functions.create",
    "roles/cloudfunctions.viewer": "cloudfunctions.functions.get",
    "roles/cloudscheduler.admin": "cloudscheduler.jobs.create",
    "roles/cloudscheduler.viewer": "cloudscheduler.jobs.get",
    "roles/iam.securityReviewer": "storage.buckets.getIamPolicy",
    "roles/iam.serviceAccountAdmin": "iam.serviceAccounts.create",
    "roles/iam.serviceAccountUser": "iam.serviceAccounts.actAs",
    "roles/iam.serviceAccountViewer": "iam.serviceAccounts.get",
    "roles/logging.configWriter": "logging.logMetrics.create",
    "roles/logging.logWriter": "logging.logEntries.create",
    "roles/logging.viewer": "logging.logMetrics.get",
    "roles/monitoring.editor": "monitoring.alertPolicies.create",
    "roles/monitoring.viewer": "monitoring.alertPolicies.get",
    "roles/pubsub.admin": "pubsub.topics.setIamPolicy",
    "roles/pubsub.viewer": "pubsub.topics.get",
    "roles/resourcemanager.projectIamAdmin": "resourcemanager.projects.setIamPolicy",
    "roles/run.admin": "run.services.setIamPolicy",
    "roles/run.viewer": "run.services.get",
    "roles/serviceusage.serviceUsageAdmin": "serviceusage.services.enable",
    "roles/serviceusage.serviceUsageViewer": "serviceusage.services.get",
    "roles/storage.admin": "storage.buckets.create",
    "roles/storage.bucketViewer": "storage.buckets.get",
    "roles/storage.objectViewer": "storage.objects.get",
}

# What changes something: the account that runs tests has none of it but its log.
CHANGES = re.compile(r"\.(actAs|create|enable|setIamPolicy)$")


@dataclass(frozen=True)
class Metric:
    """A metric type: what it measures is known by kind, value and labels."""

    resource: str
    kind: Literal["DELTA", "GAUGE"]
    value: Literal["INT64", "DISTRIBUTION"]
    labels: frozenset[str] = frozenset()


# https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-pubsub
# https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run
METRICS = {
    "pubsub.googleapis.com/subscription/dead_letter_message_count": Metric(
        "pubsub_subscription", "DELTA", "INT64"
    ),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": Metric(
        "pubsub_subscription", "GAUGE", "INT64"
    ),
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": Metric(
        "pubsub_subscription", "GAUGE", "INT64"
    ),
    "pubsub.googleapis.com/subscription/push_request_count": Metric(
        "pubsub_subscription",
        "DELTA",
        "INT64",
        frozenset({"response_class", "response_code", "delivery_type"}),
    ),
    "run.googleapis.com/container/instance_count": Metric(
        "cloud_run_revision", "GAUGE", "INT64", frozenset({"state"})
    ),
    "run.googleapis.com/container/memory/utilizations": Metric(
        "cloud_run_revision", "DELTA", "DISTRIBUTION"
    ),
    "run.googleapis.com/request_count": Metric(
        "cloud_run_revision",
        "DELTA",
        "INT64",
        frozenset({"response_code", "response_code_class"}),
    ),
    "run.googleapis.com/request_latencies": Metric(
        "cloud_run_revision",
        "DELTA",
        "DISTRIBUTION",
        frozenset({"response_code", "response_code_class"}),
    ),
}

# https://cloud.google.com/monitoring/api/resources
RESOURCE_LABELS = {
    "cloud_run_revision": {
        "configuration_name",
        "location",
        "project_id",
        "revision_name",
        "service_name",
    },
    "cloud_scheduler_job": {"job_id", "location", "project_id"},
    "pubsub_subscription": {"project_id", "subscription_id"},
}

# https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aligner: which
# aligner may be put to which kind and value.
ALIGNERS = {
    "ALIGN_DELTA": {("DELTA", "INT64"), ("DELTA", "DISTRIBUTION")},
    "ALIGN_MAX": {("GAUGE", "INT64")},
}
# Reducers that make a number of a distribution, and those that take numbers.
DISTRIBUTION_REDUCERS = {"REDUCE_MEAN", "REDUCE_PERCENTILE_95", "REDUCE_PERCENTILE_99"}
NUMBER_REDUCERS = {"REDUCE_MAX", "REDUCE_SUM"}
