"""What a buyer asks - does it fit, is it safe, is it easy - and what a run of the trial answers, with its evidence."""
