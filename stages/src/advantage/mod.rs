//! Credit: from rewards to advantages.
