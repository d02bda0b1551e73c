"""Batches of profiles, tracked events and companies (contract §4, §10, §11): written, and asked for afterwards."""
