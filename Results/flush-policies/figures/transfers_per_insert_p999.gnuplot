# Transfers of the worst insert in a thousand, by fanout
# Draw again with: gnuplot transfers_per_insert_p999.gnuplot
# Reads transfers_per_insert_p999.csv, writes transfers_per_insert_p999.svg and transfers_per_insert_p999.png.

data = 'transfers_per_insert_p999.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1040
set rmargin at screen 0.7750
set tmargin at screen 0.8398
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [3.6:70.4]
set xtics ('4' 4.0, '8' 8.0, '16' 16.0, '32' 32.0, '64' 64.0)
set xlabel 'fanout, log scale' noenhanced
unset logscale y
set yrange [0.0:12.72]
set ytics ('0' 0.0, '2' 2.0, '4' 4.0, '6' 6.0, '8' 8.0, '10' 10.0, '12' 12.0)
set ylabel 'Transfers per commit (transfers/commit)' noenhanced font ',16'
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'transfers_per_insert_p999.'.kind
  unset label
  unset object
  set label 1 'Transfers of the worst insert in a thousand, by fanout' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1 · durability prefix · memory 16 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7930, screen 0.8140 to screen 0.8150, screen 0.8214 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.8177 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'random: 12.0' at screen 0.8230, screen 0.8177 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.7698 to screen 0.8150, screen 0.7772 front fillcolor rgb '#000000' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7735 front point pointtype 7 pointsize 1.1 linecolor rgb '#000000'
  set label 'fullest: 8.00' at screen 0.8230, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.7256 to screen 0.8150, screen 0.7330 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7293 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'cache-aware: 8.00' at screen 0.8230, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6814 to screen 0.8150, screen 0.6888 front fillcolor rgb '#999999' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.6851 front point pointtype 7 pointsize 1.1 linecolor rgb '#999999'
  set label 'round-robin: 5.00' at screen 0.8230, screen 0.6851 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6372 to screen 0.8150, screen 0.6446 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.6409 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'all: 0' at screen 0.8230, screen 0.6409 left noenhanced font ',16'
  plot \
    data using (is('fullest') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#000000', \
    data using (is('all') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7', \
    data using (is('round-robin') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#999999', \
    data using (is('random') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('cache-aware') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442'
  unset output
}
