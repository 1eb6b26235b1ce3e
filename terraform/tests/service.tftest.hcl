# The whole service: how its parts hang together once they exist.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id  = "my-project"
  region      = "us-east1"
  bucket_name = "my-lake"
  archive     = "tests/archive.txt"
}

run "as_it_comes" {
  assert {
    condition     = google_pubsub_subscription.worker.push_config[0].push_endpoint == google_cloudfunctions2_function.worker.service_config[0].uri
    error_message = "Pub/Sub pushes to the worker's run.app address."
  }
  assert {
    condition     = google_pubsub_subscription.worker.push_config[0].oidc_token[0].audience == google_cloudfunctions2_function.worker.service_config[0].uri
    error_message = "The push token's audience is the service."
  }
  assert {
    condition     = google_pubsub_subscription.worker.push_config[0].oidc_token[0].service_account_email == google_service_account.push.email
    error_message = "Pub/Sub pushes as its own account."
  }
  assert {
    condition     = google_pubsub_subscription.worker.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead_letter.id && google_pubsub_subscription.worker.dead_letter_policy[0].max_delivery_attempts == 100
    error_message = "After 100 deliveries a message goes to the dead-letter topic."
  }
  assert {
    condition     = google_pubsub_subscription.worker.ack_deadline_seconds == 600 && google_cloudfunctions2_function.worker.service_config[0].timeout_seconds == 540 && tonumber(google_cloudfunctions2_function.worker.service_config[0].environment_variables["LAKEFILL_DEADLINE_SECONDS"]) == 480
    error_message = "A delivery's own deadline ends before the function's, and that before Pub/Sub's."
  }
  assert {
    condition = alltrue([for subscription in [google_pubsub_subscription.worker, google_pubsub_subscription.dead_letter] :
    subscription.expiration_policy[0].ttl == "" && subscription.message_retention_duration == "2678400s"])
    error_message = "Both subscriptions keep messages for 31 days, and never expire."
  }
  assert {
    condition     = google_pubsub_subscription.worker.retry_policy[0].minimum_backoff == "30s" && google_pubsub_subscription.worker.retry_policy[0].maximum_backoff == "600s"
    error_message = "Deliveries back off from 30 s to 600 s."
  }
  assert {
    condition     = google_cloudfunctions2_function.worker.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY" && google_cloudfunctions2_function.dispatch.service_config[0].ingress_settings == "ALLOW_ALL"
    error_message = "The worker hears Pub/Sub alone; people reach dispatch."
  }
  assert {
    condition     = google_cloud_scheduler_job.audit.http_target[0].uri == "${google_cloudfunctions2_function.dispatch.service_config[0].uri}/audit"
    error_message = "The audit is a call of dispatch."
  }
  assert {
    condition     = google_storage_bucket.lake.versioning[0].enabled && google_storage_bucket.lake.soft_delete_policy[0].retention_duration_seconds == 0 && google_storage_bucket.lake.uniform_bucket_level_access && google_storage_bucket.lake.public_access_prevention == "enforced"
    error_message = "The lake keeps generations, nothing deleted, and is closed to the public."
  }
  assert {
    condition     = google_storage_notification.stored.topic == google_pubsub_topic.stored.id && google_storage_notification.stored.event_types == toset(["OBJECT_FINALIZE"])
    error_message = "The stored topic hears of every new object."
  }
  assert {
    condition     = google_cloudfunctions2_function.worker.build_config[0].service_account == google_service_account.build.id && google_cloudfunctions2_function.worker.build_config[0].source[0].storage_source[0].object == "lakefill-${substr(filesha256("tests/archive.txt"), 0, 16)}.zip"
    error_message = "Functions are built by their own account, from the archive named by its hash."
  }
  assert {
    condition     = output.dispatch_url == google_cloudfunctions2_function.dispatch.service_config[0].uri && strcontains(output.curl, output.dispatch_url)
    error_message = "The outputs have dispatch's address."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invokers) == 0
    error_message = "Nobody but Cloud Scheduler may call dispatch unless named."
  }
}

run "sized_by_variables" {
  command = plan

  variables {
    worker                = { memory = "2Gi", cpu = "2", concurrency = 6, max_instances = 5 }
    dispatch              = { concurrency = 3 }
    max_delivery_attempts = 20
    retry_backoff         = { maximum = 300 }
    invokers              = ["user:me@example.org"]
  }

  assert {
    condition     = google_cloudfunctions2_function.worker.service_config[0].max_instance_request_concurrency == 6 && google_cloudfunctions2_function.worker.service_config[0].environment_variables["THREADS"] == "6"
    error_message = "THREADS is the concurrency."
  }
  assert {
    condition     = google_cloudfunctions2_function.dispatch.service_config[0].max_instance_request_concurrency == 3 && google_cloudfunctions2_function.dispatch.service_config[0].environment_variables["THREADS"] == "3"
    error_message = "THREADS is the concurrency."
  }
  assert {
    condition     = google_cloudfunctions2_function.worker.service_config[0].available_memory == "2Gi" && google_cloudfunctions2_function.worker.service_config[0].available_cpu == "2" && google_cloudfunctions2_function.worker.service_config[0].max_instance_count == 5
    error_message = "The worker's size is a variable."
  }
  assert {
    condition     = google_pubsub_subscription.worker.dead_letter_policy[0].max_delivery_attempts == 20 && google_cloudfunctions2_function.worker.service_config[0].environment_variables["LAKEFILL_MAX_ATTEMPTS"] == "20"
    error_message = "The worker knows which delivery is the last."
  }
  assert {
    condition     = google_pubsub_subscription.worker.retry_policy[0].minimum_backoff == "30s" && google_pubsub_subscription.worker.retry_policy[0].maximum_backoff == "300s"
    error_message = "The backoff is a variable."
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.invokers["user:me@example.org"].role == "roles/run.invoker"
    error_message = "Who is named may call dispatch."
  }
}
