"""Speed beside a calibration of the same run: figures of one machine and hour mean little by themselves."""
