# The two functions, from one archive. Both are plain HTTP: people and Cloud Scheduler call
# dispatch, the subscription in pubsub.tf pushes to the worker.

locals {
  # ingest/settings.py reads these; THREADS and LOG_EXECUTION_ID are functions-framework's.
  environment = {
    GOOGLE_CLOUD_PROJECT      = var.project_id
    LAKEFILL_BUCKET           = google_storage_bucket.lake.name
    LAKEFILL_CONTACT          = var.contact
    LAKEFILL_DEADLINE_SECONDS = "480" # below the timeout, past which work goes on unwatched
    LAKEFILL_FEEDS            = "ingest/feeds.yaml"
    LAKEFILL_MAX_ATTEMPTS     = tostring(var.max_delivery_attempts)
    LAKEFILL_MAX_PERIODS      = tostring(var.max_periods)
    LAKEFILL_TOPIC            = "projects/${var.project_id}/topics/${google_pubsub_topic.periods.name}"
    LOG_EXECUTION_ID          = "true" # the platform sets it anyway, and would differ for ever
  }

  # The run.app addresses: internal ingress lets Pub/Sub in there, not at cloudfunctions.net.
  dispatch_uri = google_cloudfunctions2_function.dispatch.service_config[0].uri
  worker_uri   = google_cloudfunctions2_function.worker.service_config[0].uri
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:The images hold public code; a key of one's own would be one more thing to rotate and lose.
  location      = var.region
  repository_id = "lakefill"
  description   = "Images that Cloud Build makes of the functions."
  format        = "DOCKER"

  # Each upgrade builds two images; without these they would pile up.
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_cloudfunctions2_function" "dispatch" {
  #checkov:skip=CKV_GCP_124:People call dispatch from outside; IAM lets in only Cloud Scheduler and the invokers.
  name        = "lakefill-dispatch"
  location    = var.region
  description = "Turns a date or a range into one message a period."

  build_config {
    runtime           = "python313"
    entry_point       = "dispatch"
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.archive.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.dispatch.email
    available_memory                 = var.dispatch.memory
    available_cpu                    = var.dispatch.cpu
    max_instance_request_concurrency = var.dispatch.concurrency
    max_instance_count               = var.dispatch.max_instances
    min_instance_count               = 0
    timeout_seconds                  = 540
    ingress_settings                 = "ALLOW_ALL" # people call it; IAM lets in only the invokers
    all_traffic_on_latest_revision   = true
    environment_variables            = merge(local.environment, { THREADS = tostring(var.dispatch.concurrency) })
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build,
    google_project_iam_member.build_source,
    google_storage_bucket_iam_member.build,
  ]
}

resource "google_cloudfunctions2_function" "worker" {
  name        = "lakefill-worker"
  location    = var.region
  description = "Brings the period of one message into the lake."

  build_config {
    runtime           = "python313"
    entry_point       = "worker"
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.archive.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.worker.email
    available_memory                 = var.worker.memory
    available_cpu                    = var.worker.cpu
    max_instance_request_concurrency = var.worker.concurrency
    max_instance_count               = var.worker.max_instances
    min_instance_count               = 0
    timeout_seconds                  = 540
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true
    environment_variables            = merge(local.environment, { THREADS = tostring(var.worker.concurrency) })
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build,
    google_project_iam_member.build_source,
    google_storage_bucket_iam_member.build,
  ]
}
