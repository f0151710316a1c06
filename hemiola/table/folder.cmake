hemiola_folder(table core)
