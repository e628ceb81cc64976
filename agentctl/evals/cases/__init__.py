"""Many cases from few lines: files of them, matrices of variables, scenarios; what comes out is a list of cases."""
