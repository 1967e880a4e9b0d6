//! The recordings that come with the project's data, imported and counted. They never enter the repository.
