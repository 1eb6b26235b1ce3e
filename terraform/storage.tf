# The lake, and the bucket that the functions' archive is built from.

resource "google_storage_bucket" "lake" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs tell who did what; access logs would need a bucket more, for public files.
  name                        = var.bucket_name
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # The old bytes of a revised file, kept as generations.
  versioning {
    enabled = true
  }

  # Off: versioning does its work, without paying for a week of every staged copy.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.keep_old_generations_days
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.keep_runs_days
      matches_prefix = ["_lakefill/runs/"]
      with_state     = "LIVE"
    }
  }

  # What a worker that died left behind.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 1
      matches_prefix = ["_lakefill/staging/"]
      with_state     = "LIVE"
    }
  }

  # Whatever is deleted or overwritten there is of no further use; with versioning, deleting
  # alone would keep it.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 1
      matches_prefix             = ["_lakefill/coverage/", "_lakefill/runs/", "_lakefill/staging/"]
      with_state                 = "ARCHIVED"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:It holds a public program, which the build alone reads.
  name                        = "${var.bucket_name}-source"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # it holds nothing that `make package` does not make again

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  depends_on = [google_project_service.this]
}

locals {
  build   = "${path.module}/../build"
  archive = coalesce(var.archive, try("${local.build}/${one(fileset(local.build, "lakefill-*.zip"))}", "${local.build}/lakefill-HASH.zip"))
}

# Named by its hash: another archive is another object, which is what rebuilds the functions.
resource "google_storage_bucket_object" "archive" {
  bucket = google_storage_bucket.source.name
  name   = "lakefill-${try(substr(filesha256(local.archive), 0, 16), "none")}.zip"
  source = local.archive

  lifecycle {
    precondition {
      condition     = fileexists(local.archive)
      error_message = "There is no archive of the functions at ${local.archive}: run `make package` first."
    }
  }
}
