module realparts/pause

go 1.26
