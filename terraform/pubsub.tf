# One message a period, pushed to the worker; what no delivery could settle; and word of every
# stored object for whoever loads the warehouse.

locals {
  # The longest that Pub/Sub keeps anything: 31 days.
  longest_retention = "2678400s"
}

resource "google_pubsub_topic" "periods" {
  #checkov:skip=CKV_GCP_83:Messages name a feed and a date: nothing to keep from Google, which encrypts them anyway.
  name = "lakefill-periods"

  depends_on = [google_project_service.this]
}

# Not the subscription that Eventarc would make: that one drops messages after 24 hours, and
# takes neither a dead-letter policy nor an ack deadline.
resource "google_pubsub_subscription" "worker" {
  name                       = "lakefill-worker"
  topic                      = google_pubsub_topic.periods.id
  ack_deadline_seconds       = 600 # over the function's timeout, so that no delivery overlaps the next
  message_retention_duration = local.longest_retention

  push_config {
    push_endpoint = local.worker_uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.worker_uri
    }
  }

  retry_policy {
    minimum_backoff = "${var.retry_backoff.minimum}s"
    maximum_backoff = "${var.retry_backoff.maximum}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = var.max_delivery_attempts
  }

  expiration_policy {
    ttl = "" # never
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push,
    google_pubsub_topic_iam_member.dead_letter,
  ]
}

resource "google_pubsub_topic" "dead_letter" {
  #checkov:skip=CKV_GCP_83:Messages name a feed and a date: nothing to keep from Google, which encrypts them anyway.
  name = "lakefill-dead-letter"

  depends_on = [google_project_service.this]
}

# A topic without a subscription drops what it gets, and one that expires is gone after 31 quiet
# days.
resource "google_pubsub_subscription" "dead_letter" {
  name                       = "lakefill-dead-letter"
  topic                      = google_pubsub_topic.dead_letter.id
  ack_deadline_seconds       = 60
  message_retention_duration = local.longest_retention

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic" "stored" {
  #checkov:skip=CKV_GCP_83:Messages name public files: nothing to keep from Google, which encrypts them anyway.
  name                       = "lakefill-stored"
  message_retention_duration = local.longest_retention

  depends_on = [google_project_service.this]
}

resource "google_storage_notification" "stored" {
  bucket         = google_storage_bucket.lake.name
  topic          = google_pubsub_topic.stored.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [google_pubsub_topic_iam_member.stored]
}
