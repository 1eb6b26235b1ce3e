# Who may do what: an account for each part, each role on the one resource that it is for. The
# comment above a grant is its reason, and goes into the table of docs/deploy.md.

resource "google_service_account" "dispatch" {
  account_id   = "lakefill-dispatch"
  display_name = "lakefill dispatch"
  description  = "Runs the dispatch function."

  depends_on = [google_project_service.this]
}

resource "google_service_account" "worker" {
  account_id   = "lakefill-worker"
  display_name = "lakefill worker"
  description  = "Runs the worker function."

  depends_on = [google_project_service.this]
}

resource "google_service_account" "scheduler" {
  account_id   = "lakefill-scheduler"
  display_name = "lakefill scheduler"
  description  = "Cloud Scheduler calls dispatch as this account."

  depends_on = [google_project_service.this]
}

resource "google_service_account" "push" {
  account_id   = "lakefill-push"
  display_name = "lakefill push"
  description  = "Pub/Sub pushes to the worker as this account."

  depends_on = [google_project_service.this]
}

resource "google_service_account" "build" {
  account_id   = "lakefill-build"
  display_name = "lakefill build"
  description  = "Cloud Build makes the functions' images as this account."

  depends_on = [google_project_service.this]
}

# Calls dispatch at each feed's times, and for the audit.
resource "google_cloud_run_v2_service_iam_member" "scheduler" {
  location = google_cloudfunctions2_function.dispatch.location
  name     = google_cloudfunctions2_function.dispatch.name
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member

  # The function's Cloud Run service loses its bindings when it is made anew.
  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.dispatch.id]
  }
}

# Whom the variable `invokers` names: calls dispatch by hand.
resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = var.invokers

  location = google_cloudfunctions2_function.dispatch.location
  name     = google_cloudfunctions2_function.dispatch.name
  role     = "roles/run.invoker"
  member   = each.value

  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.dispatch.id]
  }
}

# Publishes one message a period.
resource "google_pubsub_topic_iam_member" "dispatch" {
  topic  = google_pubsub_topic.periods.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.dispatch.member
}

# Lists the lake, to know what is stored.
resource "google_storage_bucket_iam_member" "dispatch_reads" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.dispatch.member
}

# Writes the manifests of runs and the coverage page; overwriting takes the right to delete.
resource "google_storage_bucket_iam_member" "dispatch_writes" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectUser"
  member = google_service_account.dispatch.member

  condition {
    title       = "below _lakefill/ alone"
    description = "lakefill's own records, never a stored file."
    expression  = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.lake.name}/objects/_lakefill/\")"
  }
}

# Delivers messages to the worker.
resource "google_cloud_run_v2_service_iam_member" "push" {
  location = google_cloudfunctions2_function.worker.location
  name     = google_cloudfunctions2_function.worker.name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member

  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.worker.id]
  }
}

# Stores files, stages large ones, keeps records; overwriting takes the right to delete.
resource "google_storage_bucket_iam_member" "worker" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker.member
}

# Forwards what no delivery could settle.
resource "google_pubsub_topic_iam_member" "dead_letter" {
  topic  = google_pubsub_topic.dead_letter.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

# Acknowledges what it has forwarded to the dead-letter topic.
resource "google_pubsub_subscription_iam_member" "dead_letter" {
  subscription = google_pubsub_subscription.worker.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Tells of each object that is stored.
resource "google_pubsub_topic_iam_member" "stored" {
  topic  = google_pubsub_topic.stored.id
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.this.member
}

# Reads the functions' archive.
resource "google_storage_bucket_iam_member" "build" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

# Pushes the images that it makes.
resource "google_artifact_registry_repository_iam_member" "build" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# Reads Google's copy of the archive, which builds fetch; its bucket is made with a region's
# first function, so that nothing can be granted on it before.
resource "google_project_iam_member" "build_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "bucket gcf-v2-sources alone"
    description = "Where Cloud Functions keeps the sources of this region's functions."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}/\")"
  }
}

# Writes the build's log; logs have no narrower resource than the project.
resource "google_project_iam_member" "build" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}
