# What is refused before anything is made.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id  = "my-project"
  region      = "us-east1"
  bucket_name = "my-lake"
  archive     = "tests/archive.txt"
}

run "project_by_number" {
  command = plan
  variables {
    project_id = "123456789012"
  }
  expect_failures = [var.project_id]
}

run "a_multi_region" {
  command = plan
  variables {
    region = "US"
  }
  expect_failures = [var.region]
}

run "a_bucket_by_url" {
  command = plan
  variables {
    bucket_name = "gs://my-lake"
  }
  expect_failures = [var.bucket_name]
}

run "a_bucket_name_without_room" {
  command = plan
  variables {
    bucket_name = "a-bucket-whose-name-leaves-no-room-for-the-one-of-its-source"
  }
  expect_failures = [var.bucket_name]
}

run "a_bucket_that_says_google" {
  command = plan
  variables {
    bucket_name = "my-google-lake"
  }
  expect_failures = [var.bucket_name]
}

run "no_address" {
  command = plan
  variables {
    alert_emails = ["ops"]
  }
  expect_failures = [var.alert_emails]
}

run "a_channel_by_name" {
  command = plan
  variables {
    notification_channels = ["pager"]
  }
  expect_failures = [var.notification_channels]
}

run "everybody" {
  command = plan
  variables {
    invokers = ["allUsers"]
  }
  expect_failures = [var.invokers]
}

run "attempts_that_pubsub_does_not_take" {
  command = plan
  variables {
    max_delivery_attempts = 101
  }
  expect_failures = [var.max_delivery_attempts]
}

run "backoff_upside_down" {
  command = plan
  variables {
    retry_backoff = { minimum = 60, maximum = 30 }
  }
  expect_failures = [var.retry_backoff]
}

run "concurrency_on_less_than_a_cpu" {
  command = plan
  variables {
    worker = { cpu = "0.5" }
  }
  expect_failures = [var.worker]
}

run "half_a_request_of_the_worker" {
  command = plan
  variables {
    worker = { concurrency = 1.5 }
  }
  expect_failures = [var.worker]
}

run "half_an_instance_of_dispatch" {
  command = plan
  variables {
    dispatch = { max_instances = 2.5 }
  }
  expect_failures = [var.dispatch]
}

run "half_a_second_of_backoff" {
  command = plan
  variables {
    retry_backoff = { minimum = 0.5 }
  }
  expect_failures = [var.retry_backoff]
}

run "transfers_that_the_memory_cannot_hold" {
  command = plan
  variables {
    worker = { memory = "512Mi", concurrency = 5 }
  }
  expect_failures = [var.worker]
}

run "transfers_that_the_memory_holds" {
  command = plan
  variables {
    worker = { memory = "512Mi", concurrency = 4 }
  }
}

run "memory_without_unit" {
  command = plan
  variables {
    dispatch = { memory = "512" }
  }
  expect_failures = [var.dispatch]
}

run "six_cron_fields" {
  command = plan
  variables {
    audit_schedule = "0 0 * * * *"
  }
  expect_failures = [var.audit_schedule]
}

run "one_audit_a_day" {
  command = plan
  variables {
    audit_schedule = "0 4 * * *"
  }
  expect_failures = [var.audit_schedule]
}

run "a_contact_that_no_header_can_carry" {
  command = plan
  variables {
    contact = "ops\nX: y"
  }
  expect_failures = [var.contact]
}

run "no_runs_kept" {
  command = plan
  variables {
    keep_runs_days = 0
  }
  expect_failures = [var.keep_runs_days]
}

run "no_generations_kept" {
  command = plan
  variables {
    keep_old_generations_days = 0.5
  }
  expect_failures = [var.keep_old_generations_days]
}

run "no_periods" {
  command = plan
  variables {
    max_periods = 0
  }
  expect_failures = [var.max_periods]
}

run "a_runbook_in_the_clear" {
  command = plan
  variables {
    runbook_url = "http://wiki.example.org"
  }
  expect_failures = [var.runbook_url]
}

run "no_archive" {
  command = plan
  variables {
    archive = "build/none.zip"
  }
  expect_failures = [google_storage_bucket_object.archive]
}
