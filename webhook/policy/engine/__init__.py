"""The decision about one VM: rules indexed and merged, then asked of each field that they are about."""
